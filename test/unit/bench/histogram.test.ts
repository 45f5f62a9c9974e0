import assert from "node:assert/strict";
import { test } from "node:test";
import { bucketOf, Histogram, quantileOf } from "../../../bench/histogram.ts";

function histogramOf(times: readonly number[]) {
  const histogram = new Histogram();
  for (const ms of times) histogram.record(ms);
  return histogram.counts();
}

test("what is told of a time is never less than it, and at most 1/128 more", () => {
  for (let micros = 1; micros < 2 ** 31; micros = Math.ceil(micros * 1.013)) {
    const told = Math.round(1_000 * quantileOf(histogramOf([micros / 1_000]), 1));
    assert.ok(told >= micros && told <= micros * (1 + 1 / 128), `${told} of ${micros}`);
  }
});

test("below 256 microseconds each has a bucket of its own", () => {
  assert.deepEqual([0, 1, 255, 256, 257, 258].map(bucketOf), [0, 1, 255, 256, 256, 257]);
});

test("buckets follow each other without a gap", () => {
  let last = -1;
  for (let micros = 0; micros < 70_000; micros++) {
    const bucket = bucketOf(micros);
    assert.ok(bucket === last || bucket === last + 1, `${micros}: ${bucket} after ${last}`);
    last = bucket;
  }
});

test("a quantile is the time that so many do not exceed", () => {
  const counts = histogramOf(Array.from({ length: 100 }, (_, i) => (i + 1) / 1_000));
  assert.deepEqual(
    [0.01, 0.5, 0.99, 0.999, 1].map((q) => quantileOf(counts, q)),
    [0.001, 0.05, 0.099, 0.1, 0.1],
  );
});

test("a time below zero, by the digits of clocks, counts as zero", () => {
  assert.equal(quantileOf(histogramOf([-0.000_4, -1]), 1), 0);
});

test("without times there is no quantile", () => {
  assert.ok(Number.isNaN(quantileOf([], 0.5)));
});
