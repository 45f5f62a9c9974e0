import assert from "node:assert/strict";
import { test } from "node:test";
import { Code } from "@connectrpc/connect";
import type { Failure } from "../../../src/base/errors.ts";
import type { CallEnd, CallListener, CallRequest } from "../../../src/calls/call.ts";
import { CallObserver } from "../../../src/calls/call-observer.ts";
import { MethodPolicies } from "../../../src/calls/methods/method-policies.ts";
import { ReplayMemory } from "../../../src/calls/retry/replay-memory.ts";
import { RetryBudget } from "../../../src/calls/retry/retry-budget.ts";
import { RetryingCalls } from "../../../src/calls/retrying-calls.ts";
import { grpc } from "../../../src/protocol/grpc/grpc.ts";
import { MessageMemory } from "../../../src/protocol/message-memory.ts";
import type { FakeStream } from "../../support/fake-connector.ts";
import { fakePool, pickInfo } from "../../support/fake-pool.ts";
import { framed } from "../../support/framed.ts";
import { settle } from "../../support/manual-clock.ts";
import { constantRandom } from "../../support/random.ts";

const headers = ["content-type", "application/grpc"];

/** Calls of three bytes over a pool in a test's hand, without a channel around them. */
function countedCalls(budget = { ratio: 0, minPerSecond: 0.1 }) {
  const all = fakePool();
  const { pool, clock, events, connector } = all;
  const names = {
    target: "http://echo.test",
    grpcTarget: "dns:///echo.test:80",
    serverAddress: "echo.test",
    protocol: "grpc" as const,
    serverPort: 80,
  };
  const observer = new CallObserver(names, { clock, events }, undefined);
  const limits = { readMaxBytes: 1_000, messageMemory: new MessageMemory() };
  const attempt = { source: pool, protocol: grpc, limits, clock, events, counters: observer.counters };
  const replayMemory = new ReplayMemory(1_000);
  const context = {
    attempt,
    random: constantRandom(),
    retryLimit: { current: new RetryBudget(budget, clock) },
    replayMemory,
  };
  const calls = new RetryingCalls(context, new MethodPolicies({ methods: {}, transport: {} }));
  const call = () => {
    const trace = observer.callStarted(pickInfo.method, undefined, undefined);
    const request: CallRequest = {
      method: pickInfo.method,
      head: { path: "/x", fields: [] },
      metadata: [],
      contextValues: undefined,
      options: {},
      deadlineMs: Number.POSITIVE_INFINITY,
      trace,
      body: framed(Buffer.from("abc")),
    };
    const listener: CallListener = {
      onHeaders: () => undefined,
      onMessage: () => undefined,
      onWritable: () => undefined,
      onEnd: ({ failure }: CallEnd) => observer.callEnded(trace, failure),
    };
    calls.make(request, listener).start();
  };
  /** The stream that was opened last. */
  const latest = () => [...connector.open].flatMap(({ streams }) => [...(streams as Iterable<FakeStream>)]).at(-1)!;
  return { ...all, call, latest, counts: () => observer.counters.read() };
}

const lost: Failure = { kind: "stream-reset", code: Code.Unavailable, progress: "refused", message: "refused" };

test("every call, attempt, retry, wait and message is counted, and why there was no retry", async () => {
  const { pool, resolver, clock, call, latest, counts, close } = countedCalls();
  const answered = () => {
    latest().listener.onHeaders(200, headers, false);
    latest().listener.onData(framed(Buffer.from("four")), 0, 9);
    latest().listener.onTrailers(["grpc-status", "0"]);
  };
  const unavailable = () => latest().listener.onHeaders(200, [...headers, "grpc-status", "14"], true);
  pool.wake();
  call();
  await clock.advance(7);
  resolver.report("10.0.0.1");
  await settle();
  // Refused, repeated for free, unavailable, repeated by policy, answered.
  latest().listener.onClosed(lost);
  unavailable();
  await clock.advance(100);
  answered();
  // The budget of 1 is spent.
  call();
  unavailable();
  const none = { budget: 0, pushback: 0, idempotency: 0, "request-size": 0, deadline: 0 };
  assert.deepEqual(counts(), {
    started: 2,
    succeeded: 1,
    failed: { Unavailable: 1 },
    attempts: 4,
    attemptsFailed: {
      "stream-reset": { unsent: 0, refused: 1, unknown: 0 },
      status: { unsent: 0, refused: 0, unknown: 2 },
    },
    retries: 1,
    transparentRetries: 1,
    hedges: 0,
    dropped: { "max-open-calls": 0, admission: 0 },
    retriesBy: { policy: 1, pushback: 0, "lost-connection": 0, transparent: 1 },
    retryDelayMs: 100,
    retriesWithheld: { ...none, budget: 1 },
    waits: { resolve: 1, connect: 1, streams: 0 },
    waitMs: { resolve: 7, connect: 0, streams: 0 },
    messagesSent: 4,
    bytesSent: 12,
    messagesReceived: 1,
    bytesReceived: 4,
  });
  close();
});

test("what was read is a picture of its moment, in plain data", () => {
  const { call, counts, close } = countedCalls();
  const before = counts();
  call();
  assert.deepEqual([before.started, counts().started], [0, 1]);
  assert.deepEqual(JSON.parse(JSON.stringify(before)), before);
  close();
});
