// Bytes that a call brought are the caller's alone: whatever becomes of them touches no other answer.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { createClient } from "@connectrpc/connect";
import { compressionGzip } from "@connectrpc/connect-node";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { startConnectEcho } from "../../support/echo-server.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { withGlink } from "./calls-harness.ts";

checkForLeaks();

const text = (length: number, i: number) => new Uint8Array(length).fill(i + 1);

for (const payloadBytes of [1, 100, 2_000, 5_000]) {
  test(`bytes of one answer that are given away leave all others as they were, ${payloadBytes} bytes each`, () =>
    withGlink(
      () => startConnectEcho(),
      {},
      async (transport) => {
        const client = createClient(EchoService, transport);
        const answers = await Promise.all(
          Array.from({ length: 20 }, (_, i) =>
            client.unary({ payload: text(payloadBytes, i), responseBytes: payloadBytes }),
          ),
        );
        const expected = answers.map(({ payload }) => Uint8Array.from(payload));
        const { port1, port2 } = new MessageChannel();
        const [first, ...others] = answers;
        port1.postMessage(first?.payload, [first?.payload.buffer as ArrayBuffer]);
        port1.close();
        port2.close();
        assert.equal(first?.payload.length, 0);
        assert.deepEqual(
          others.map(({ payload }) => payload),
          expected.slice(1),
        );
        const memory = new Set(answers.map(({ payload }) => payload.buffer));
        assert.equal(memory.size, answers.length);
        // And the memory that later answers are read into is still there.
        assert.equal((await client.unary({ text: "after" })).text, "after");
      },
    ));
}

test("a stream of 2,000 messages whose bytes are passed to a worker arrives whole", () =>
  withGlink(
    () => startConnectEcho(),
    {},
    async (transport) => {
      const worker = new Worker(
        `const { parentPort } = require("node:worker_threads");
       let bytes = 0;
       parentPort.on("message", (payload) => {
         if (payload === "end") parentPort.postMessage(bytes);
         else bytes += payload.length;
       });`,
        { eval: true },
      );
      try {
        let messages = 0;
        for await (const { payload } of createClient(EchoService, transport).serverStream({
          count: 2_000,
          messageBytes: 100,
        })) {
          messages++;
          worker.postMessage(payload, [payload.buffer as ArrayBuffer]);
        }
        const total = new Promise((resolve) => worker.once("message", resolve));
        worker.postMessage("end");
        assert.deepEqual([messages, await total], [2_000, 200_000]);
      } finally {
        await worker.terminate();
      }
    },
  ));

test("a field of 100 bytes that is kept or cloned carries its own message along, and no other", () =>
  withGlink(
    () => startConnectEcho(),
    {},
    async (transport) => {
      const client = createClient(EchoService, transport);
      const { payload } = await client.unary({ responseBytes: 100 });
      assert.equal(payload.length, 100);
      assert.ok(payload.buffer.byteLength < 200, `${payload.buffer.byteLength} bytes`);
      assert.ok(structuredClone(payload).buffer.byteLength < 200);
      assert.equal(Object.getPrototypeOf(payload), Uint8Array.prototype);
    },
  ));

test("a Compression that hands what it is given to a worker takes no other answer away", () => {
  const given: ArrayBuffer[] = [];
  const greedy: typeof compressionGzip = {
    ...compressionGzip,
    decompress: (bytes, readMaxBytes) => {
      const plain = compressionGzip.decompress(Uint8Array.from(bytes), readMaxBytes);
      given.push(structuredClone(bytes.buffer as ArrayBuffer, { transfer: [bytes.buffer as ArrayBuffer] }));
      return plain;
    },
  };
  return withGlink(
    () => startConnectEcho(),
    { acceptCompression: [greedy] },
    async (transport) => {
      const client = createClient(EchoService, transport);
      const words = "all work and no play ".repeat(100);
      const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => client.unary({ text: `${i} ${words}` })));
      assert.deepEqual(
        answers.map(({ text }) => text),
        answers.map((_, i) => `${i} ${words}`),
      );
      assert.equal(given.length, 20);
    },
  );
});
