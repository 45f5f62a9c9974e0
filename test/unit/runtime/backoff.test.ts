import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { backoffDelayMs } from "../../../src/runtime/backoff.ts";
import { constantRandom, seededRandom } from "../../support/random.ts";

const curve = { initialBackoffMs: 100, multiplier: 2, maxBackoffMs: 1_000, jitter: 0.2 };

test("waits grow by the multiplier up to the cap", () => {
  const waits = [1, 2, 3, 4, 5, 50, 5_000].map((failures) => backoffDelayMs(curve, failures, constantRandom()));
  assert.deepEqual(waits, [100, 200, 400, 800, 1_000, 1_000, 1_000]);
});

test("jitter stays within its share on both sides", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2_000 }), fc.integer(), (failures, seed) => {
      const middle = backoffDelayMs(curve, failures, constantRandom());
      const wait = backoffDelayMs(curve, failures, seededRandom(seed));
      assert.ok(wait >= middle * 0.8 && wait <= middle * 1.2);
    }),
  );
});
