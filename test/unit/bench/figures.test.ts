import assert from "node:assert/strict";
import { test } from "node:test";
import { cpuAbove, cpuRatio, figuresOf } from "../../../bench/figures.ts";
import { loads } from "../../../bench/loads.ts";
import { measurement, namedLoad } from "./results.ts";

test("a figure is the median of processes, each of which counts by the median of its rounds", () => {
  const figures = figuresOf(namedLoad("unary-c32"), [
    [10, 11, 90].map((micros) => measurement(micros)),
    [20, 21, 22].map((micros) => measurement(micros)),
    [30, 30, 30].map((micros) => measurement(micros)),
  ]);
  assert.deepEqual(figures.cpuMicros, { median: 21, min: 11, max: 30 });
  assert.deepEqual(figures.cpuMicrosByProcess, [11, 21, 30]);
});

test("figures of streams are for each message", () => {
  const { cpuMicros, operationsPerSecond } = figuresOf(namedLoad("server-stream-100"), [[measurement(400)]]);
  assert.equal(cpuMicros.median, 4);
  assert.equal(operationsPerSecond.median, 100 * 1_000);
});

test("what only some rounds have comes from those, and what none has is undefined", () => {
  const rounds = [measurement(1), { ...measurement(1), heapBytesPerOperation: 500 }];
  const { heapBytes, loopDelayP99Ms } = figuresOf(namedLoad("unary-c32"), [rounds, [measurement(1)]]);
  assert.deepEqual(heapBytes, { median: 500, min: 500, max: 500 });
  assert.equal(loopDelayP99Ms, undefined);
});

const of = (...micros: number[]) =>
  figuresOf(
    namedLoad("unary-c32"),
    micros.map((one) => [measurement(one)]),
  );

test("a ratio is of processes that ran at the same time: a machine that was slow for both changes nothing", () => {
  assert.deepEqual(cpuRatio(of(10, 100, 12), of(20, 200, 20)), { median: 0.5, min: 0.5, max: 0.6 });
});

test("what one takes above another is of such processes too", () => {
  assert.deepEqual(cpuAbove(of(10, 100, 12), of(20, 90, 10)), { median: 2, min: -10, max: 10 });
});

test("of a client with fewer processes, those of the other count that ran beside them", () => {
  assert.deepEqual(cpuRatio(of(10, 20, 90), of(20, 20)), { median: 0.75, min: 0.5, max: 1 });
  assert.deepEqual(cpuRatio(of(10), of(20, 20)), { median: 0.5, min: 0.5, max: 0.5 });
});

test("names of loads are told apart", () => {
  assert.equal(new Set(loads.map(({ name }) => name)).size, loads.length);
});
