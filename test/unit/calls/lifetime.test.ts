import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { Code } from "@connectrpc/connect";
import { closedFailure, type Failure } from "../../../src/base/errors.ts";
import { Lifetime } from "../../../src/calls/lifetime.ts";
import { OpenCalls } from "../../../src/calls/open-calls.ts";
import { systemClock } from "../../../src/runtime/clock.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { QuietHold } from "../../support/quiet-hold.ts";

function setup(clock = new ManualClock()) {
  const hold = new QuietHold();
  const openCalls = new OpenCalls(hold);
  const begin = (timeoutMs?: number, signal?: AbortSignal) => {
    const failures: Failure[] = [];
    const lifetime = new Lifetime(openCalls, clock, timeoutMs, signal);
    lifetime.begin({
      cancel: (failure) => {
        failures.push(failure);
        lifetime.end();
      },
    });
    return { lifetime, failures };
  };
  return { clock, hold, openCalls, begin };
}

test("a call holds the process until it ends, and leaves no timer and no listener", async () => {
  const { clock, hold, openCalls, begin } = setup();
  const { signal } = new AbortController();
  const { lifetime } = begin(1_000, signal);
  assert.ok(hold.held);
  assert.equal(clock.pending, 1);
  assert.equal(getEventListeners(signal, "abort").length, 1);
  lifetime.end();
  lifetime.end();
  assert.ok(!hold.held);
  assert.equal(openCalls.size, 0);
  assert.equal(clock.pending, 0);
  assert.equal(getEventListeners(signal, "abort").length, 0);
  hold.close();
});

test("the deadline ends a call at its time and not before", async () => {
  const { clock, hold, begin } = setup();
  const { failures } = begin(1_000);
  await clock.advance(999);
  assert.equal(failures.length, 0);
  await clock.advance(1);
  assert.equal(failures[0]?.kind, "deadline");
  assert.equal(failures[0]?.code, Code.DeadlineExceeded);
  hold.close();
});

test("a timer of Node's that fires a little early is waited for again", async () => {
  class HastyClock extends ManualClock {
    override setTimeout(callback: () => void, delayMs: number) {
      return super.setTimeout(callback, delayMs > 3 ? delayMs - 3 : delayMs);
    }
  }
  const { clock, hold, begin } = setup(new HastyClock());
  const { failures } = begin(1_000);
  await clock.advance(999);
  assert.equal(failures.length, 0);
  await clock.advance(1);
  assert.equal(failures[0]?.kind, "deadline");
  hold.close();
});

test("a deadline follows fake timers, which turn setTimeout and leave performance.now alone", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const failures: Failure[] = [];
  const hold = new QuietHold();
  const lifetime = new Lifetime(new OpenCalls(hold), systemClock(), 60_000, undefined);
  lifetime.begin({
    cancel: (failure) => {
      failures.push(failure);
      lifetime.end();
    },
  });
  t.mock.timers.tick(59_999);
  assert.equal(failures.length, 0);
  t.mock.timers.tick(1);
  assert.equal(failures[0]?.kind, "deadline");
  hold.close();
});

test("a deadline of 2^31 ms does not fire early", async () => {
  const { clock, hold, begin } = setup();
  const { failures } = begin(2 ** 31);
  await clock.advance(2 ** 31 - 1);
  assert.equal(failures.length, 0);
  await clock.advance(1);
  assert.equal(failures.length, 1);
  hold.close();
});

test("a signal that is aborted already ends the call at once, with its reason", () => {
  const { clock, hold, openCalls, begin } = setup();
  const reason = new Error("changed my mind");
  const { failures, lifetime } = begin(1_000, AbortSignal.abort(reason));
  assert.equal(failures[0]?.cause, reason);
  assert.ok(!lifetime.isOpen);
  assert.equal(openCalls.size, 0);
  assert.equal(clock.pending, 0);
  hold.close();
});

test("two hundred calls on one signal need one listener, and all of them hear the abort", () => {
  const { hold, openCalls, begin } = setup();
  const controller = new AbortController();
  const calls = Array.from({ length: 200 }, () => begin(undefined, controller.signal));
  assert.equal(getEventListeners(controller.signal, "abort").length, 1);
  calls[7]?.lifetime.end();
  controller.abort();
  assert.equal(calls.filter(({ failures }) => failures[0]?.kind === "canceled").length, 199);
  assert.equal(openCalls.size, 0);
  assert.equal(getEventListeners(controller.signal, "abort").length, 0);
  hold.close();
});

test("what is no AbortSignal is refused and leaves nothing behind", () => {
  const { hold, openCalls, begin } = setup();
  assert.throws(() => begin(1_000, {} as AbortSignal), TypeError);
  assert.equal(openCalls.size, 0);
  assert.ok(!hold.held);
  hold.close();
});

test("whoever ends the calls hears of the last one, once, and no call begins afterwards", () => {
  for (const open of [0, 2]) {
    const { hold, openCalls, begin } = setup();
    const calls = Array.from({ length: open }, () => begin());
    let empty = 0;
    openCalls.end(closedFailure("before"), () => empty++);
    assert.equal(empty, open === 0 ? 1 : 0);
    assert.equal(begin().failures[0]?.code, Code.FailedPrecondition);
    openCalls.cancelAll(closedFailure("cut"));
    for (const { failures } of calls) assert.equal(failures[0]?.kind, "closed");
    assert.equal(empty, 1);
    hold.close();
  }
});
