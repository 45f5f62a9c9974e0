// The faults of another client load balancer for gRPC, the Go package github.com/dacalin/glink, in its interceptors: a test
// for each symptom that its users would have seen. Those of its connection manager are in test/unit/pool.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Code, ConnectError } from "@connectrpc/connect";
import { checkForLeaks } from "../../support/leaks.ts";
import { until } from "../../support/load.ts";
import { glinkTransport } from "../../support/transport.ts";
import {
  answer,
  failAfterHeaders,
  failTrailersOnly,
  inTurn,
  loseConnection,
  staySilent,
  watched,
  withBench,
} from "./scripted-server.ts";

checkForLeaks();

const unavailable = failTrailersOnly(Code.Unavailable);

async function failureOf(promise: Promise<unknown>): Promise<ConnectError> {
  return promise.then(
    () => assert.fail("the call should have failed"),
    (error: unknown) => ConnectError.from(error),
  );
}

test("the call that had the connection rebuilt never used the new one", () =>
  withBench({ backends: 1, script: inTurn(loseConnection, answer("rebuilt")) }, async ({ client, clock, fleet }) => {
    const { reports, contextValues } = watched({ waitForReady: true });
    let text = "";
    const call = client.unary({}, { contextValues }).then((response) => {
      text = response.text;
    });
    await until("the call succeeded", () => {
      void clock.advance(50);
      return text !== "";
    });
    await call;
    assert.equal(text, "rebuilt");
    assert.equal(reports.length, 2);
    assert.notEqual(fleet.calls[0]?.session, fleet.calls[1]?.session);
  }));

test("errors that no retry can cure were sent again at once, up to the limit", () =>
  withBench({ script: (call) => failAfterHeaders(Number(call.headers["x-code"]))(call) }, async ({ client, fleet }) => {
    let calls = 0;
    for (let code = Code.Canceled; code <= Code.Unauthenticated; code++) {
      if (code === Code.Unavailable || code === Code.DeadlineExceeded) continue;
      const error = await failureOf(client.unary({}, { headers: { "x-code": String(code) } }));
      assert.equal(error.code, code);
      assert.equal(fleet.calls.length, ++calls, `executions with ${Code[code]}`);
    }
    assert.equal(calls, 14);
  }));

test("a limit of 0, or a huge one, never called the server and reported success", async () => {
  for (const maxAttempts of [0, -1, 2 ** 31, 2 ** 64, 1.5, Number.NaN]) {
    assert.throws(
      () => glinkTransport({ baseUrl: "http://echo.test:50051", retry: { maxAttempts } }),
      /retry\.maxAttempts must be an integer from 1 to 100/,
    );
  }
  for (const retry of [false, { maxAttempts: 1 }] as const) {
    await withBench(
      { script: inTurn(unavailable, answer("really")), options: { retry } },
      async ({ client, fleet }) => {
        assert.equal((await failureOf(client.unary({}))).code, Code.Unavailable);
        assert.equal(fleet.calls.length, 1);
        assert.equal((await client.unary({})).text, "really");
        assert.equal(fleet.calls.length, 2);
      },
    );
  }
});

test("after the last attempt it slept and rebuilt before it returned the error", () =>
  withBench({ script: unavailable }, async ({ client, clock, transport }) => {
    const events: string[] = [];
    transport.subscribe(({ type }) => events.push(type));
    // With that of the retry budget, which runs while calls come.
    const timers = clock.pending + 1;
    const { reports, contextValues } = watched();
    const failed = failureOf(client.unary({}, { contextValues }));
    for (const attempt of [1, 2]) {
      await until("the attempt has failed", () => reports.length === attempt);
      await clock.advance(reports.at(-1)?.retryDelayMs ?? 0);
    }
    // The clock stands still from here on.
    await failed;
    assert.equal(clock.pending, timers);
    assert.deepEqual(events, ["attempt-failed", "attempt-failed", "attempt-failed"]);
  }));

test("waits grew without cap or jitter, overflowed to a hot loop, and outlived the call", () =>
  withBench(
    {
      script: unavailable,
      options: { retry: { maxAttempts: 100, initialBackoffMs: 1_000, multiplier: 1_000, maxBackoffMs: 2_000 } },
    },
    async ({ client, clock, fleet }) => {
      const timers = clock.pending;
      const controller = new AbortController();
      const { reports, contextValues } = watched();
      const failed = failureOf(client.unary({}, { contextValues, signal: controller.signal }));
      for (let attempt = 1; attempt < 80; attempt++) {
        await until("the attempt has failed", () => reports.length === attempt);
        const delayMs = reports.at(-1)?.retryDelayMs ?? 0;
        assert.equal(delayMs, attempt === 1 ? 1_000 : 2_000);
        await clock.advance(delayMs);
      }
      await until("the attempt has failed", () => reports.length === 80);
      controller.abort();
      assert.equal((await failed).code, Code.Canceled);
      assert.equal(clock.pending, timers);
      assert.equal(fleet.calls.length, 80);
    },
  ));

test("at its deadline a call hid the gRPC status and the last error of a server", () =>
  withBench(
    { script: inTurn(failTrailersOnly(Code.Unavailable, { "grpc-message": "disk on fire" }), staySilent) },
    async ({ client, clock, fleet }) => {
      const { reports, contextValues } = watched();
      const failed = failureOf(client.unary({}, { contextValues, timeoutMs: 500 }));
      await until("the first attempt has failed", () => reports.length === 1);
      await clock.advance(100);
      await until("the second attempt is there", () => fleet.calls.length === 2);
      await clock.advance(400);
      const error = await failed;
      assert.equal(error.code, Code.DeadlineExceeded);
      assert.match(
        error.message,
        /backend 127\.0\.0\.1:\d+, 2 attempts, last error: Unavailable from .*: disk on fire/,
      );
    },
  ));

test("the caller's own deadline counted as retryable, and a server's re-ran calls that may have succeeded", () =>
  withBench({ script: failTrailersOnly(Code.DeadlineExceeded) }, async ({ client, clock, fleet }) => {
    const once = watched({ retry: { idempotentOnly: true } });
    assert.equal((await failureOf(client.unary({}, once))).code, Code.DeadlineExceeded);
    assert.equal(fleet.calls.length, 1);
    const { reports, contextValues } = watched();
    const failed = failureOf(client.unaryIdempotent({}, { contextValues, timeoutMs: 150 }));
    await until("the first attempt has failed", () => reports.length === 1);
    await clock.advance(100);
    // 50 ms are left, and the next wait is 200: not begun.
    assert.equal((await failed).code, Code.DeadlineExceeded);
    assert.equal(fleet.calls.length, 3);
  }));

test("streams were not retried at all, nothing limited retries, and two layers of them multiplied", () =>
  withBench({ script: unavailable, options: { retry: { maxAttempts: 4 } } }, async ({ client, clock, fleet }) => {
    async function* requests() {
      yield { text: "a" };
      yield { text: "b" };
    }
    async function drain(messages: AsyncIterable<unknown>) {
      for await (const _ of messages);
    }
    const kinds = [
      (options: object) => client.unary({}, options),
      (options: object) => drain(client.serverStream({}, options)),
      (options: object) => client.clientStream(requests(), options),
      (options: object) => drain(client.bidi(requests(), options)),
    ];
    for (const [i, begin] of kinds.entries()) {
      const { reports, contextValues } = watched();
      const failed = failureOf(begin({ contextValues }));
      for (const attempt of [1, 2, 3]) {
        await until("the attempt has failed", () => reports.length === attempt);
        await clock.advance(reports.at(-1)?.retryDelayMs ?? 0);
      }
      assert.equal((await failed).code, Code.Unavailable);
      const sent = fleet.calls.slice(4 * i).map(({ headers }) => headers["grpc-previous-rpc-attempts"]);
      assert.deepEqual(sent, [undefined, "1", "2", "3"]);
    }
    // Idempotency, budget and pushback: retrying-call.test.ts and retry-policy.test.ts.
  }));
