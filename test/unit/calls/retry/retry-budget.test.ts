import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RetryBudget } from "../../../../src/calls/retry/retry-budget.ts";
import { ManualClock } from "../../../support/manual-clock.ts";

function withdrawAll(budget: RetryBudget, most = 10_000): number {
  let granted = 0;
  while (granted < most && budget.withdraw()) granted++;
  return granted;
}

test("without a call the reserve of 10 s is there, and no more", () => {
  const budget = new RetryBudget({ ratio: 0.1, minPerSecond: 10 }, new ManualClock());
  assert.equal(withdrawAll(budget), 100);
});

test("calls add their share", () => {
  const budget = new RetryBudget({ ratio: 0.1, minPerSecond: 0 }, new ManualClock());
  for (let i = 0; i < 1_000; i++) budget.deposit();
  assert.equal(withdrawAll(budget), 100);
});

test("one lost connection with 200 calls open does not exhaust the default budget under usual load", async () => {
  const clock = new ManualClock();
  const budget = new RetryBudget({ ratio: 0.1, minPerSecond: 10 }, clock);
  for (let second = 0; second < 10; second++) {
    for (let i = 0; i < 300; i++) budget.deposit();
    await clock.advance(1_000);
  }
  for (let i = 0; i < 200; i++) assert.ok(budget.withdraw(), `retry ${i}`);
  assert.ok(withdrawAll(budget) > 0);
});

test("what was spent comes back after 10 s, and not all at once with the next second", () => {
  const clock = new ManualClock();
  const budget = new RetryBudget({ ratio: 0, minPerSecond: 10 }, clock);
  clock.stall(950);
  assert.equal(withdrawAll(budget), 100);
  clock.stall(9_100);
  assert.equal(withdrawAll(budget), 0);
  clock.stall(1_000);
  assert.equal(withdrawAll(budget), 100);
});

test("calls that may be more than 10 s ago earn no retry any more", () => {
  const clock = new ManualClock();
  const budget = new RetryBudget({ ratio: 1, minPerSecond: 0 }, clock);
  for (let i = 0; i < 50; i++) budget.deposit();
  clock.stall(9_500);
  assert.equal(budget.withdraw(), true);
  clock.stall(1_000);
  assert.equal(budget.withdraw(), false);
});

test("a budget that slept for a day knows neither old calls nor old retries", () => {
  const clock = new ManualClock();
  const budget = new RetryBudget({ ratio: 1, minPerSecond: 1 }, clock);
  for (let i = 0; i < 500; i++) budget.deposit();
  assert.equal(withdrawAll(budget), 510);
  clock.stall(86_400_000);
  assert.equal(withdrawAll(budget), 10);
});

test("calls that come a few a second are each counted for ten seconds", async () => {
  const clock = new ManualClock();
  const budget = new RetryBudget({ ratio: 1, minPerSecond: 0 }, clock);
  for (let second = 0; second < 30; second++) {
    budget.deposit();
    await clock.advance(1_000);
  }
  assert.equal(withdrawAll(budget), 9);
});

test("a budget of which nobody takes leaves no timer, a second after the last call or once it is closed", async () => {
  const clock = new ManualClock();
  const budget = new RetryBudget({ ratio: 1, minPerSecond: 0 }, clock);
  budget.deposit();
  assert.equal(clock.pending, 1);
  await clock.advance(2_000);
  assert.equal(clock.pending, 0);
  budget.deposit();
  budget.close();
  assert.equal(clock.pending, 0);
});

test("a budget of nothing allows nothing", () => {
  const budget = new RetryBudget({ ratio: 0, minPerSecond: 0 }, new ManualClock());
  for (let i = 0; i < 1_000; i++) budget.deposit();
  assert.equal(withdrawAll(budget), 0);
});

test("in the 10 s before any retry, retries are at most ratio x calls + 10 x minPerSecond", () => {
  const step = fc.record({
    waitMs: fc.oneof(fc.integer({ min: 0, max: 400 }), fc.integer({ min: 0, max: 15_000 })),
    calls: fc.integer({ min: 0, max: 60 }),
    wanted: fc.integer({ min: 0, max: 60 }),
  });
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: 2, noNaN: true }),
      fc.integer({ min: 0, max: 5 }),
      fc.array(step, { maxLength: 60 }),
      (ratio, minPerSecond, steps) => {
        const clock = new ManualClock();
        const budget = new RetryBudget({ ratio, minPerSecond }, clock);
        const calls: number[] = [];
        const retries: number[] = [];
        for (const { waitMs, calls: made, wanted } of steps) {
          clock.stall(waitMs);
          const now = clock.now();
          for (let i = 0; i < made; i++) {
            budget.deposit();
            calls.push(now);
          }
          for (let i = 0; i < wanted; i++) if (budget.withdraw()) retries.push(now);
          if (retries.at(-1) !== now) continue;
          const recent = (times: readonly number[]) => times.filter((time) => time > now - 10_000).length;
          assert.ok(recent(retries) <= ratio * recent(calls) + 10 * minPerSecond);
        }
      },
    ),
    { numRuns: 200 },
  );
});
