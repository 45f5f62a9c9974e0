import assert from "node:assert/strict";
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
import type { Random } from "../../../../src/runtime/random.ts";
import { FakeBackend } from "../../../support/fake-backend.ts";
import { seededRandom } from "../../../support/random.ts";

/** In a turn of the event loop: what is due, what has arrived, what waited for that. */
const phases = { timer: 0, input: 1, afterInput: 2 };

interface Task {
  readonly dueMs: number;
  readonly phase: number;
  readonly callback: () => void;
}

/** An event loop whose time jumps from one task to the next: simulated minutes take milliseconds. */
class SimulatedLoop implements Clock {
  #nowMs = 0;
  readonly #tasks = new Set<Task>();
  readonly #stalledUntilMs: (nowMs: number) => number;

  /** `stalledUntilMs`: when the loop goes on that would do something at `nowMs`. */
  constructor(stalledUntilMs: (nowMs: number) => number = (nowMs) => nowMs) {
    this.#stalledUntilMs = stalledUntilMs;
  }

  now(): number {
    return this.#nowMs;
  }

  setTimeout(callback: () => void, delayMs: number): object {
    return this.#add(delayMs, phases.timer, callback);
  }

  clearTimeout(timer: object | undefined): void {
    this.#tasks.delete(timer as Task);
  }

  afterInput(callback: () => void): void {
    this.#add(0, phases.afterInput, callback);
  }

  /** It arrives at the process' sockets after `delayMs`. */
  arrives(callback: () => void, delayMs: number): object {
    return this.#add(delayMs, phases.input, callback);
  }

  runUntil(isDone: () => boolean): void {
    while (!isDone()) {
      let next: Task | undefined;
      for (const task of this.#tasks) {
        const { dueMs, phase } = next ?? { dueMs: Number.POSITIVE_INFINITY, phase: 0 };
        if (task.dueMs < dueMs || (task.dueMs === dueMs && task.phase < phase)) next = task;
      }
      assert.ok(next !== undefined, "something is left to do");
      this.#tasks.delete(next);
      this.#nowMs = next.dueMs;
      next.callback();
    }
  }

  #add(delayMs: number, phase: number, callback: () => void): Task {
    const task = { dueMs: this.#stalledUntilMs(this.#nowMs + delayMs), phase, callback };
    this.#tasks.add(task);
    return task;
  }
}

const headers = ["content-type", "application/grpc+proto"];
const message = new Uint8Array(5);

/** Servers that answer after `latencyMs()`. Every attempt is executed, also one that is cancelled later. */
function simulatedServers(loop: SimulatedLoop, latencyMs: () => number) {
  const backend = new FakeBackend("10.0.0.1");
  let executions = 0;
  const source: CallSource = {
    dispatch: (call) =>
      call.onPicked(
        {
          address: backend.id,
          request(_head, _fields, _body, listener) {
            executions++;
            const answer = loop.arrives(() => {
              listener.onHeaders(200, headers, false);
              listener.onData(message, 0, message.length);
              listener.onTrailers(["grpc-status", "0"]);
            }, latencyMs());
            const ignored = () => undefined;
            const reset = () => loop.clearTimeout(answer);
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

/** What is simulated: calls that arrive at random, and what becomes of those after the first ones. */
export interface Simulation {
  readonly seed: number;
  readonly config: MethodConfig;
  /** What servers need for a call that begins at `nowMs`. */
  readonly answerMs: (nowMs: number, random: Random) => number;
  /** When the client's event loop goes on that would do something at `nowMs`. */
  readonly stalledUntilMs?: (nowMs: number) => number;
  /** Calls in a second: 200. */
  readonly perSecond?: number;
  /** Calls that are not looked at: 1 000. */
  readonly warmUp?: number;
  /** Calls that are: 10 000. */
  readonly count?: number;
}

/** The latency that one call in a thousand exceeds, and the executions beyond one for each call, of each call. */
export interface Simulated {
  readonly p999: number;
  readonly extra: number;
  /** The same of each thousand of the calls, one after another. */
  readonly extraOfEachThousand: readonly number[];
}

export function simulate({
  seed,
  config,
  answerMs,
  stalledUntilMs,
  perSecond = 200,
  warmUp = 1_000,
  count = 10_000,
}: Simulation): Simulated {
  const loop = new SimulatedLoop(stalledUntilMs);
  const random = seededRandom(seed);
  const { source, executions } = simulatedServers(loop, () => answerMs(loop.now(), random));
  const limits = { readMaxBytes: 1_000, messageMemory: new MessageMemory() };
  const events = { active: false, publish: () => undefined };
  const context = {
    attempt: { source, protocol: grpc, limits, clock: loop, events, counters: new CallCounters() },
    random,
    retryLimit: { current: new RetryBudget(retryBudgetDefaults, loop) },
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
  const executionsAt: number[] = [];
  let begun = 0;
  const arrive = () => {
    if (begun >= warmUp && (begun - warmUp) % 1_000 === 0) executionsAt.push(executions());
    const isMeasured = begun++ >= warmUp;
    const startedMs = loop.now();
    const listener: CallListener = {
      onHeaders: () => undefined,
      onMessage: () => undefined,
      onWritable: () => undefined,
      onEnd: ({ failure }) => {
        assert.equal(failure, undefined);
        if (isMeasured) latencies.push(loop.now() - startedMs);
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
    if (begun < warmUp + count) loop.setTimeout(arrive, (-1_000 / perSecond) * Math.log(1 - random.next()));
  };
  arrive();
  loop.runUntil(() => latencies.length === count);
  executionsAt.push(executions());
  latencies.sort((a, b) => a - b);
  const extras = executionsAt.slice(1).map((at, i) => at - (executionsAt[i] as number) - 1_000);
  return {
    p999: latencies[Math.floor(count * 0.999)] as number,
    extra: extras.reduce((sum, extra) => sum + extra, 0) / count,
    extraOfEachThousand: extras.map((extra) => extra / 1_000),
  };
}
