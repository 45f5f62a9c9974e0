import assert from "node:assert/strict";
import { test } from "node:test";
import type { CallListener, CallRequest } from "../../../../src/calls/call.ts";
import { MethodPolicies } from "../../../../src/calls/methods/method-policies.ts";
import { ReplayMemory } from "../../../../src/calls/retry/replay-memory.ts";
import { RetryBudget } from "../../../../src/calls/retry/retry-budget.ts";
import { retryBudgetDefaults } from "../../../../src/calls/retry/retry-options.ts";
import { RetryingCalls } from "../../../../src/calls/retrying-calls.ts";
import type { MethodConfig } from "../../../../src/index.ts";
import { CallCounters } from "../../../../src/observe/counters.ts";
import type { CallSource } from "../../../../src/pool/call-source.ts";
import { grpc } from "../../../../src/protocol/grpc/grpc.ts";
import { MessageMemory } from "../../../../src/protocol/message-memory.ts";
import type { Clock } from "../../../../src/runtime/clock.ts";
import { FakeBackend } from "../../../support/fake-backend.ts";
import { seededRandom } from "../../../support/random.ts";

/** Time that jumps from one timer to the next: simulated minutes take milliseconds. */
class JumpingClock implements Clock {
  #nowMs = 0;
  readonly #timers = new Map<object, { readonly dueMs: number; readonly callback: () => void }>();

  now(): number {
    return this.#nowMs;
  }

  setTimeout(callback: () => void, delayMs: number): object {
    const handle = {};
    this.#timers.set(handle, { dueMs: this.#nowMs + delayMs, callback });
    return handle;
  }

  clearTimeout(timer: object | undefined): void {
    if (timer !== undefined) this.#timers.delete(timer);
  }

  afterInput(callback: () => void): void {
    callback();
  }

  runUntil(isDone: () => boolean): void {
    while (!isDone()) {
      let next: object | undefined;
      let dueMs = Number.POSITIVE_INFINITY;
      for (const [handle, timer] of this.#timers) {
        if (timer.dueMs < dueMs) [next, dueMs] = [handle, timer.dueMs];
      }
      const timer = this.#timers.get(next as object);
      this.#timers.delete(next as object);
      this.#nowMs = dueMs;
      timer?.callback();
    }
  }
}

const headers = ["content-type", "application/grpc+proto"];
const message = new Uint8Array(5);

/** Servers that answer after `latencyMs()`. Every attempt is executed, also one that is cancelled later. */
function simulatedServers(clock: Clock, latencyMs: () => number) {
  const backend = new FakeBackend("10.0.0.1");
  let executions = 0;
  const source: CallSource = {
    dispatch: (call) =>
      call.onPicked(
        {
          address: backend.id,
          request(_head, _fields, _body, listener) {
            executions++;
            const timer = clock.setTimeout(() => {
              listener.onHeaders(200, headers, false);
              listener.onData(message, 0, message.length);
              listener.onTrailers(["grpc-status", "0"]);
            }, latencyMs());
            const ignored = () => undefined;
            const reset = () => clock.clearTimeout(timer);
            return { write: () => true, end: ignored, reset, pause: ignored, resume: ignored };
          },
          messagesSent: 0,
          messagesReceived: 0,
          noteAnswer: () => undefined,
          noteEnd: () => undefined,
          suspect: () => undefined,
        },
        backend,
      ),
    withdraw: () => undefined,
    refresh: () => undefined,
    hasConnectionBeyond: () => false,
    lastFailure: undefined,
    eldestDial: undefined,
    waitReason: "connect",
  };
  return { source, executions: () => executions };
}

/** Calls arrive at random, 200 a second. Of the last `count`: their latencies, and how many more executions there were. */
function simulate(seed: number, config: MethodConfig, warmUp = 1_000, count = 10_000) {
  const clock = new JumpingClock();
  const random = seededRandom(seed);
  const answerMs = () => (random.next() < 0.01 ? 1_000 : 5 + random.next() * 10);
  const { source, executions } = simulatedServers(clock, answerMs);
  const limits = { readMaxBytes: 1_000, messageMemory: new MessageMemory() };
  const events = { active: false, publish: () => undefined };
  const context = {
    attempt: { source, protocol: grpc, limits, clock, events, counters: new CallCounters() },
    random,
    retryLimit: { current: new RetryBudget(retryBudgetDefaults, clock) },
    replayMemory: new ReplayMemory(1_000_000),
  };
  const calls = new RetryingCalls(context, new MethodPolicies({ methods: { "sim.Sim": config }, transport: {} }));
  const method = {
    service: "sim.Sim",
    name: "Call",
    singleRequest: true,
    singleResponse: true,
    idempotency: "idempotent",
  } as const;
  const latencies: number[] = [];
  let begun = 0;
  let executionsBefore = 0;
  const arrive = () => {
    if (begun++ === warmUp) executionsBefore = executions();
    const startedMs = clock.now();
    const isMeasured = begun > warmUp;
    const listener: CallListener = {
      onHeaders: () => undefined,
      onMessage: () => undefined,
      onWritable: () => undefined,
      onEnd: ({ failure }) => {
        assert.equal(failure, undefined);
        if (isMeasured) latencies.push(clock.now() - startedMs);
      },
    };
    const request: CallRequest = {
      method,
      head: { path: "/sim.Sim/Call", fields: [] },
      metadata: [],
      contextValues: undefined,
      options: {},
      deadlineMs: Number.POSITIVE_INFINITY,
      trace: undefined,
      body: message,
    };
    calls.make(request, listener).start();
    if (begun < warmUp + count) clock.setTimeout(arrive, -5 * Math.log(1 - random.next()));
  };
  arrive();
  clock.runUntil(() => latencies.length === count);
  latencies.sort((a, b) => a - b);
  return {
    p999: latencies[Math.floor(count * 0.999)] as number,
    extra: (executions() - executionsBefore) / count - 1,
  };
}

for (const seed of [1, 2, 3]) {
  test(`1 % of answers a hundred times slower: hedging at p95 leaves a tenth of p99.9 for 6 % more load (seed ${seed})`, (t) => {
    const without = simulate(seed, {});
    const hedged = simulate(seed, { hedging: { delayMs: "p95" } });
    t.diagnostic(
      `p99.9 ${without.p999.toFixed(1)} ms and ${hedged.p999.toFixed(1)} ms, extra ${(hedged.extra * 100).toFixed(2)} %`,
    );
    assert.equal(without.extra, 0);
    assert.ok(hedged.p999 <= without.p999 / 10, `${hedged.p999} of ${without.p999}`);
    assert.ok(hedged.extra <= 0.06, `${hedged.extra}`);
  });
}
