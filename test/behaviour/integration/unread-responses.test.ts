import assert from "node:assert/strict";
import { createServer, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { create, toBinary } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { EchoService, ServerStreamResponseSchema } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { glinkTransport } from "../../../src/index.ts";
import { framed } from "../../support/framed.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { until } from "./calls-harness.ts";

checkForLeaks();

const mebibyte = 2 ** 20;
const streams = 150;
const messages = 40;
const message = framed(
  toBinary(ServerStreamResponseSchema, create(ServerStreamResponseSchema, { payload: new Uint8Array(65_536) })),
);

/** Answers every call with the same messages, as fast as they are taken, and knows what has left its sockets. */
async function startServer() {
  const sessions = new Set<ServerHttp2Session>();
  const server = createServer({ maxSessionMemory: 1_000 });
  server.on("session", (session) => sessions.add(session));
  server.on("stream", (stream) => {
    stream.on("error", () => undefined);
    stream.respond({ ":status": 200, "content-type": "application/grpc+proto" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    Readable.from(Array(messages).fill(message)).pipe(stream);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    bytesSent: () => [...sessions].reduce((sum, { socket }) => sum + (socket?.bytesWritten ?? 0), 0),
    close() {
      for (const session of sessions) session.destroy();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

const orders: Record<string, (readers: AsyncIterator<unknown>[]) => Promise<number[]>> = {
  "one after the other": async (readers) => {
    const counts: number[] = [];
    for (const reader of readers) counts.push(await countOf(reader));
    return counts;
  },
  "the last first": (readers) => orders["one after the other"]?.(readers.reverse()) as Promise<number[]>,
  "all at once": (readers) => Promise.all(readers.map(countOf)),
};

for (const [order, readAll] of Object.entries(orders)) {
  test(`${streams} streams that nobody reads hold little more than 64 MiB, and are complete when they are read, ${order}`, async () => {
    const server = await startServer();
    // node:http2 cannot make the windows of open streams small without the danger that some stay closed.
    const transport = glinkTransport({ baseUrl: `http://127.0.0.1:${server.port}`, http2: "wire" });
    try {
      const client = createClient(EchoService, transport);
      const readers = Array.from({ length: streams }, () => client.serverStream({})[Symbol.asyncIterator]());
      // Without a sum they take at least their windows: 150 MiB, and what lies above them.
      await until(() => server.bytesSent() > 64 * mebibyte, "64 MiB have been sent");
      let sent = 0;
      while (sent < server.bytesSent()) {
        sent = server.bytesSent();
        await sleep(200);
      }
      // What was under way when the sum was reached: a connection's window, and the buffers of two sockets.
      assert.ok(sent < 110 * mebibyte, `${(sent / mebibyte).toFixed(0)} MiB`);
      const counts = await readAll(readers);
      assert.deepEqual(new Set(counts), new Set([messages]));
    } finally {
      await transport.close();
      await server.close();
    }
  });
}

async function countOf(reader: AsyncIterator<unknown>): Promise<number> {
  for (let count = 0; ; count++) {
    if ((await reader.next()).done) return count;
  }
}
