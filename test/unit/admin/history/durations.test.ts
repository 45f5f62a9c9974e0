import assert from "node:assert/strict";
import { test } from "node:test";
import { Durations } from "../../../../src/admin/history/durations.ts";

test("quantiles of short calls are exact", () => {
  const durations = new Durations();
  for (let ms = 1; ms <= 30; ms++) durations.record(ms, 0);
  assert.deepEqual(
    [0, 0.5, 0.9, 1].map((share) => durations.quantile(share, 0)),
    [1, 15, 27, 30],
  );
});

test("long ones are told to a thirtieth, and never as shorter than they were", () => {
  for (const ms of [31, 32, 33, 63, 64, 65, 100, 1_000, 12_345, 3_600_000, 2 ** 31 - 1]) {
    const durations = new Durations();
    durations.record(ms, 0);
    const told = durations.quantile(0.5, 0) as number;
    assert.ok(told >= ms && told <= ms * (1 + 1 / 30), `${ms} ms are told as ${told} ms`);
  }
});

test("what no duration can be is counted as the nearest one that can", () => {
  const durations = new Durations();
  durations.record(-1, 0);
  durations.record(2 ** 40, 0);
  assert.deepEqual([durations.quantile(0, 0), durations.quantile(1, 0)], [0, 2 ** 31 - 1]);
});

test("nothing is known before the first call, and again a minute after the last one", () => {
  const durations = new Durations();
  assert.equal(durations.quantile(0.5, 0), undefined);
  durations.record(7, 5_000);
  assert.equal(durations.quantile(0.5, 59_999), 7);
  assert.equal(durations.quantile(0.5, 60_000), undefined);
});

test("calls of a minute count together, each for as long as it is remembered", () => {
  const durations = new Durations();
  durations.record(1, 0);
  durations.record(10, 30_000);
  assert.deepEqual([durations.quantile(0.5, 30_000), durations.quantile(1, 30_000)], [1, 10]);
  durations.record(20, 65_000);
  assert.deepEqual([durations.quantile(0.5, 65_000), durations.quantile(1, 65_000)], [10, 20]);
});
