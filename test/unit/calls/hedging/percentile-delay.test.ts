import assert from "node:assert/strict";
import { test } from "node:test";
import { PercentileDelay } from "../../../../src/calls/hedging/percentile-delay.ts";

const share = 0.05;

/** One that has met 900 latencies from 0.1 to 90 ms, all as often. */
function known(): PercentileDelay {
  const delay = new PercentileDelay();
  for (let i = 1; i <= 900; i++) delay.record(((i * 7) % 900) / 10 + 0.1);
  return delay;
}

/** As `share` of the calls, within the two hundredths by which a percentile may be too high. */
function assertWaits(delay: PercentileDelay, exceeding: number): void {
  const exactMs = 90 * (1 - exceeding);
  const waitMs = delay.delayMs(share) ?? 0;
  assert.ok(waitMs >= exactMs * 0.99 && waitMs <= exactMs * 1.03, `${waitMs} ms for ${exactMs}`);
}

test("calls wait for the percentile that is asked for, and at most as many are hedged as that means", () => {
  const delay = known();
  assertWaits(delay, share);
  // Of each hundred calls five are hedged: nothing is left over, and nothing is missing.
  for (let i = 1; i <= 2_000; i++) {
    delay.began(share);
    if (i % 20 === 0) delay.hedged();
  }
  assertWaits(delay, share);
});

test("what is hedged in advance is made good by higher percentiles, and after a thousand calls all of it is", () => {
  const delay = known();
  for (let i = 0; i < 25; i++) delay.hedged();
  assertWaits(delay, share / 2);
  for (let i = 0; i < 500; i++) delay.began(share);
  // It is looked up anew with what was met since.
  for (let i = 0; i < 16; i++) delay.record(1);
  assertWaits(delay, share);
});

test("however many were hedged in advance, those are still hedged that take longer than all but a tenth of what may be", () => {
  const delay = known();
  for (let i = 0; i < 10_000; i++) delay.hedged();
  assertWaits(delay, share / 10);
  for (let i = 0; i < 2_000; i++) delay.began(share);
  for (let i = 0; i < 16; i++) delay.record(1);
  assertWaits(delay, share);
});

test("where latencies fell, more calls are hedged for a while: twice as many of them at most", () => {
  const delay = known();
  for (let i = 0; i < 10_000; i++) delay.began(share);
  assertWaits(delay, 2 * share);
  for (let i = 0; i < 50; i++) delay.hedged();
  assertWaits(delay, share);
});

test("before a hundred latencies are known nobody is hedged, and nothing is saved for later", () => {
  const delay = new PercentileDelay();
  for (let i = 0; i < 99; i++) {
    delay.began(share);
    delay.record(i);
  }
  assert.equal(delay.delayMs(share), undefined);
  delay.record(100);
  const waitMs = delay.delayMs(share) ?? 0;
  assert.ok(waitMs > 94 && waitMs < 98, `${waitMs}`);
});

test("calls of one method that ask for different percentiles wait for them", () => {
  const delay = known();
  const p50 = delay.delayMs(0.5) ?? 0;
  const p99 = delay.delayMs(0.01) ?? 0;
  assert.ok(p50 > 44 && p50 < 47 && p99 > 88 && p99 < 92, `${p50} and ${p99}`);
});
