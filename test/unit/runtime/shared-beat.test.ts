import assert from "node:assert/strict";
import { test } from "node:test";
import { sharedBeatMs } from "../../../src/runtime/shared-beat.ts";

test("watches with the same step meet, whenever each began", () => {
  const due = new Set<number>();
  for (let nowMs = 100_000; nowMs < 103_000; nowMs += 17) due.add(nowMs + sharedBeatMs(nowMs, 3_000));
  assert.ok(due.size <= 3, `${due.size} moments`);
});

test("a watch waits for half of its step at least, and for all of it at most", () => {
  for (let nowMs = 0; nowMs < 200_000; nowMs += 333.25) {
    const waitMs = sharedBeatMs(nowMs, 90_000);
    assert.ok(waitMs >= 45_000 && waitMs <= 90_000, `${waitMs} ms`);
  }
});

test("without limits in the numbers it waits all the same", () => {
  assert.equal(sharedBeatMs(1e300, 1), 1);
  assert.equal(sharedBeatMs(1_000, Number.POSITIVE_INFINITY), Number.POSITIVE_INFINITY);
});
