import assert from "node:assert/strict";
import { test } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import { Code, createClient } from "@connectrpc/connect";
import type { Compression } from "@connectrpc/connect/protocol";
import { compressionBrotli, compressionGzip } from "@connectrpc/connect-node";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { startConnectEcho } from "../../support/echo-server.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { connectError, withGlink } from "./calls-harness.ts";

checkForLeaks();

/** A user's own, as one might write it: it works at once, knows of no limit, and has its name in capitals. */
const ownGzip = {
  name: "GZIP",
  compress: (bytes: Uint8Array) => gzipSync(bytes),
  decompress: (bytes: Uint8Array) => gunzipSync(bytes),
} as unknown as Compression;

test("a Compression that answers at once, under a name in capitals, is as good as any", () =>
  withGlink(
    () => startConnectEcho(),
    { acceptCompression: [ownGzip], sendCompression: { ...ownGzip, name: "gzip" }, compressMinBytes: 0 },
    async (transport) => {
      const text = "x".repeat(50_000);
      assert.equal((await createClient(EchoService, transport).unary({ text })).text, text);
    },
  ));

test("readMaxBytes holds for what a Compression returns that knows of no limit", () =>
  withGlink(
    () => startConnectEcho(),
    { acceptCompression: [ownGzip], readMaxBytes: 20_000 },
    async (transport) => {
      const tooLarge = connectError(
        Code.ResourceExhausted,
        /message size 50\d{3} is larger than configured readMaxBytes/,
      );
      await assert.rejects(createClient(EchoService, transport).unary({ text: "x".repeat(50_000) }), tooLarge);
    },
  ));

/** Sizes about every boundary of what is done at once, and more in one read than a turn has time for. */
const sizes = [0, 10, 1_023, 1_025, 4_096, 16_385, 65_537, 131_073, 300_000, 5, 20_000, 400_000, 2_000, 70_000];

for (const protocol of ["grpc", "grpc-web", "connect"] as const) {
  for (const compression of [compressionGzip, compressionBrotli]) {
    test(`compressed messages of any size keep their order in all kinds of calls, by ${protocol} with ${compression.name}`, () =>
      withGlink(
        () => startConnectEcho(),
        {
          protocol,
          acceptCompression: [compression],
          // Brotli takes too long for all of them.
          ...(compression === compressionGzip ? { sendCompression: compression } : {}),
        },
        async (transport) => {
          const client = createClient(EchoService, transport);
          const requests = sizes.map((bytes, i) => ({ text: `${i}`, payload: new Uint8Array(bytes).fill(i) }));
          const answers = await Promise.all(requests.map((request) => client.unary(request)));
          assert.deepEqual(answers.map(shapeOf), requests.map(shapeOf));
          async function* all() {
            yield* requests;
          }
          const echoed: { text: string; payload: Uint8Array }[] = [];
          for await (const answer of client.bidi(all())) echoed.push(answer);
          assert.deepEqual(echoed.map(shapeOf), requests.map(shapeOf));
          const { count, payloadBytes } = await client.clientStream(all());
          assert.deepEqual([count, Number(payloadBytes)], [sizes.length, sizes.reduce((sum, bytes) => sum + bytes)]);
          const indices: number[] = [];
          for await (const { index } of client.serverStream({ count: 300, messageBytes: 3_000 })) indices.push(index);
          assert.deepEqual(
            indices,
            Array.from({ length: 300 }, (_, i) => i),
          );
        },
      ));
  }
}

function shapeOf({ text, payload }: { text: string; payload: Uint8Array }) {
  return [text, payload.length, payload[0], payload.at(-1)];
}
