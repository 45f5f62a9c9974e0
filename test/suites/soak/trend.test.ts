import assert from "node:assert/strict";
import { test } from "node:test";
import { growthOf } from "./trend.ts";

/** Noise that is the same each time. */
const noise = (index: number) => [0.3, -0.2, 0.1, -0.4, 0.2][index % 5] as number;

test("values that only vary are flat, though three of thirty were disturbed, at the ends too", () => {
  const values = Array.from({ length: 30 }, (_, index) => 20 + noise(index));
  for (const index of [0, 17, 29]) values[index] = 400;
  const { from, to } = growthOf(values);
  assert.ok(Math.abs(to - from) < 0.5, `${from} to ${to}`);
  assert.ok(Math.abs(from - 20) < 0.5, `${from}`);
});

test("what grows a little with each value is seen through noise and disturbances", () => {
  const values = Array.from({ length: 30 }, (_, index) => 20 + 0.1 * index + noise(index));
  for (const index of [3, 11, 28]) values[index] = 0;
  const { from, to } = growthOf(values);
  assert.ok(to - from > 2.4 && to - from < 3.4, `${from} to ${to}`);
});

test("one value, or none, does not grow", () => {
  assert.deepEqual(growthOf([7]), { from: 7, to: 7 });
  assert.deepEqual(growthOf([]), { from: 0, to: 0 });
});
