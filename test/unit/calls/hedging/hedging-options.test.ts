import assert from "node:assert/strict";
import { test } from "node:test";
import { Code } from "@connectrpc/connect";
import { checkHedgingOptions, type HedgingOptions, shareOf } from "../../../../src/calls/hedging/hedging-options.ts";

test("the defaults: three attempts, the second after the 95th percentile, of methods that are declared idempotent", () => {
  assert.deepEqual(checkHedgingOptions("hedging", {}), {
    maxAttempts: 3,
    delayMs: "p95",
    idempotentOnly: true,
    nonFatalCodes: [Code.Unavailable, Code.DeadlineExceeded],
  });
});

test("a percentile is a share of the calls, between all and none of them", () => {
  assert.deepEqual(["p95", "p99.9", "p0.1", "p5"].map(shareOf), [0.95, 0.9990000000000001, 0.001, 0.05]);
  for (const text of ["p0", "p00", "p100", "p-5", "p1e1", "P95", "95", "p", "p95 ", "p 9", "p9.", "pNaN"]) {
    assert.equal(shareOf(text), undefined, text);
  }
});

for (const [given, message] of [
  [{ maxAttempts: 1 }, /hedging\.maxAttempts must be an integer from 2 to 100, not 1/],
  [{ maxAttempts: 101 }, /hedging\.maxAttempts must be an integer from 2 to 100/],
  [{ delayMs: -1 }, /hedging\.delayMs must be a number from 0/],
  [{ delayMs: Number.NaN }, /hedging\.delayMs must be a number from 0/],
  [
    { delayMs: "p100" },
    /hedging\.delayMs must be .* or a percentile like "p95", above p0 and below p100, not the string "p100"/,
  ],
  [{ idempotentOnly: "no" }, /hedging\.idempotentOnly must be true or false/],
  [{ nonFatalCodes: [0] }, /hedging\.nonFatalCodes/],
  [{ delay: 5 }, /hedging.*delay/],
  [[], /hedging must be/],
  [null, /hedging must be/],
] as const) {
  test(`what cannot be meant is refused by name and range: ${JSON.stringify(given)}`, () => {
    assert.throws(() => checkHedgingOptions("hedging", given as Partial<HedgingOptions>), message);
  });
}
