import assert from "node:assert/strict";
import { test } from "node:test";
import { arrivalTimes } from "../../../bench/arrivals.ts";

test("calls come at the rate that was asked for", () => {
  const times = [...arrivalTimes({ perSecond: 500, count: 20_000, seed: 1 })];
  assert.equal(times.length, 20_000);
  const perSecond = times.length / ((times.at(-1) as number) / 1_000);
  assert.ok(Math.abs(perSecond - 500) < 15, `${perSecond}`);
});

test("calls come in bunches and gaps, as callers who do not know of each other make them", () => {
  const times = [...arrivalTimes({ perSecond: 1_000, count: 20_000, seed: 2 })];
  const gaps = times.map((ms, i) => ms - (times[i - 1] ?? 0));
  assert.ok(gaps.every((gap) => gap >= 0));
  // Of an exponential distribution with mean 1: the share above 1 is 1 / e, above 3 it is 1 / e^3.
  const above = (ms: number) => gaps.filter((gap) => gap > ms).length / gaps.length;
  assert.ok(Math.abs(above(1) - Math.exp(-1)) < 0.01, `${above(1)}`);
  assert.ok(Math.abs(above(3) - Math.exp(-3)) < 0.005, `${above(3)}`);
});

test("the same seed gives the same moments, another one others", () => {
  const times = (seed: number) => [...arrivalTimes({ perSecond: 10, count: 5, seed })];
  assert.deepEqual(times(7), times(7));
  assert.notDeepEqual(times(7), times(8));
});
