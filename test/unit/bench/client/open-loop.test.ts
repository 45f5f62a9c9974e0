import assert from "node:assert/strict";
import { test } from "node:test";
import { openLoop } from "../../../../bench/client/open-loop.ts";
import { quantileOf } from "../../../../bench/histogram.ts";

test("calls begin when they are due, although none before them was answered", async () => {
  const answers: (() => void)[] = [];
  const call = () =>
    new Promise<void>((resolve) => {
      answers.push(resolve);
      if (answers.length === 50) for (const answer of answers) answer();
    });
  const counts = await openLoop(call, { perSecond: 10_000, count: 50, seed: 1 });
  assert.equal(
    counts.reduce((sum, [, count]) => sum + count, 0),
    50,
  );
});

test("a stall is waiting for every call that was due meanwhile", async () => {
  let calls = 0;
  const call = async () => {
    if (++calls > 1) return;
    const untilMs = performance.now() + 30;
    while (performance.now() < untilMs);
  };
  // All of them are due in the first millisecond, on average, of 30.
  const counts = await openLoop(call, { perSecond: 50_000, count: 50, seed: 1 });
  assert.ok(quantileOf(counts, 0) > 20, `${quantileOf(counts, 0)}`);
});

test("a call that fails ends it with its error", async () => {
  const failing = openLoop(() => Promise.reject(new Error("no")), { perSecond: 1_000, count: 3, seed: 1 });
  await assert.rejects(failing, /^Error: no$/);
});
