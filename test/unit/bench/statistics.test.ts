import assert from "node:assert/strict";
import { test } from "node:test";
import { medianOf, quantile, spreadOf } from "../../../bench/statistics.ts";

test("a spread is the median with the least and the most, in whatever order values come", () => {
  assert.deepEqual(spreadOf([5, 1, 3]), { median: 3, min: 1, max: 5 });
});

test("the median of an even number of values is halfway between the middle two", () => {
  assert.equal(medianOf([4, 1, 2, 10]), 3);
});

test("of no values there is no spread, and the median is not a number", () => {
  assert.equal(spreadOf([]), undefined);
  assert.ok(Number.isNaN(medianOf([])));
});

test("a quantile is a value of the list, and at 1 the greatest", () => {
  const list = Array.from({ length: 100 }, (_, i) => i);
  assert.deepEqual(
    [0, 0.5, 0.99, 1].map((q) => quantile(list, q)),
    [0, 50, 99, 99],
  );
});
