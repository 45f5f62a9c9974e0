// What the calls of one transport keep for another attempt has a limit of its own: calls above it are sent once.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Code } from "@connectrpc/connect";
import { heapInUseMb } from "../../../support/heap.ts";
import { checkForLeaks } from "../../../support/leaks.ts";
import { until } from "../../../support/load.ts";
import {
  answer,
  errorOf,
  failTrailersOnly,
  inTurn,
  type ReceivedCall,
  staySilent,
  withBench,
} from "../scripted-server.ts";

checkForLeaks();

const unavailable = failTrailersOnly(Code.Unavailable);

for (const kind of ["unary", "client stream"] as const) {
  test(`a ${kind} call that does not fit beside those that are open is sent once, and not failed for it`, () =>
    withBench(
      {
        script: inTurn(staySilent, unavailable, answer("once"), unavailable, answer("again")),
        options: { retry: { bufferTotalMaxBytes: 5_000, initialBackoffMs: 0 } },
      },
      async ({ client, fleet }) => {
        const payload = new Uint8Array(3_000);
        async function* upload() {
          yield { payload };
        }
        const call = () => (kind === "unary" ? client.unary({ payload }) : client.clientStream(upload()));
        const open = call();
        open.catch(() => undefined);
        await until("the first call is there", () => fleet.calls.length === 1);
        const error = await errorOf(call());
        assert.equal(error.code, Code.Unavailable);
        assert.equal(fleet.calls.length, 2);
        assert.equal((await call()).text, "once");
        answer("first")(fleet.calls[0] as ReceivedCall);
        assert.equal((await open).text, "first");
        // There is room again.
        assert.equal((await call()).text, "again");
        assert.equal(fleet.calls.length, 5);
      },
    ));
}

for (const [kind, payloadBytes] of [
  ["unary", 985_000],
  ["client stream", 985_000],
  // Above bufferMaxBytes: never retried, but kept where there is room, for it may not have left.
  ["unary", 1_100_000],
  ["client stream", 1_100_000],
] as const) {
  test(`60 open ${kind} uploads of ${payloadBytes} bytes keep no more than the 16 MiB of all`, () => {
    let receivedBytes = 0;
    const read = ({ stream }: ReceivedCall) => stream.on("data", ({ length }: Buffer) => (receivedBytes += length));
    return withBench({ script: read, options: {} }, async ({ client }) => {
      const payload = new Uint8Array(payloadBytes);
      async function* upload() {
        yield { payload };
      }
      const controller = new AbortController();
      const { signal } = controller;
      await heapInUseMb();
      const before = process.memoryUsage().arrayBuffers;
      const calls = Array.from({ length: 60 }, () =>
        errorOf(kind === "unary" ? client.unary({ payload }, { signal }) : client.clientStream(upload(), { signal })),
      );
      await until("all was sent", () => receivedBytes >= 60 * payload.length);
      await heapInUseMb();
      const keptMiB = (process.memoryUsage().arrayBuffers - before) / 2 ** 20;
      controller.abort();
      await Promise.all(calls);
      assert.ok(keptMiB < 24, `${keptMiB} MiB`);
    });
  });
}
