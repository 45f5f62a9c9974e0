import assert from "node:assert/strict";
import { test } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import { Code, createClient } from "@connectrpc/connect";
import type { Compression } from "@connectrpc/connect/protocol";
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
