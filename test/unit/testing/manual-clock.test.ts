import assert from "node:assert/strict";
import { test } from "node:test";
import { manualClock, seededRandom } from "../../../src/testing/index.ts";

test("timers fire at their times and in their order, and not before", async () => {
  const clock = manualClock();
  const began = clock.now();
  const fired: string[] = [];
  const note = (name: string) => () => fired.push(`${name} ${clock.now() - began}`);
  clock.setTimeout(note("b"), 20);
  clock.setTimeout(note("a"), 10);
  clock.setTimeout(note("c"), 20);
  clock.clearTimeout(clock.setTimeout(note("cancelled"), 5));
  clock.setTimeout(note("never"), Number.POSITIVE_INFINITY);
  clock.setTimeout(() => clock.setTimeout(note("of another"), 5), 10);
  assert.equal(clock.pending, 4);
  await clock.advance(15);
  assert.deepEqual(fired, ["a 10", "of another 15"]);
  await clock.advance(5);
  assert.deepEqual(fired.slice(2), ["b 20", "c 20"]);
  assert.deepEqual([clock.now() - began, clock.pending], [20, 0]);
});

test("promises and input have their turn between two timers", async () => {
  const clock = manualClock();
  const seen: string[] = [];
  clock.setTimeout(() => clock.afterInput(() => seen.push("input")), 1);
  clock.setTimeout(() => seen.push("timer"), 2);
  await clock.advance(2);
  assert.deepEqual(seen, ["input", "timer"]);
});

test("two may turn the clock at once", async () => {
  const clock = manualClock();
  const began = clock.now();
  await Promise.all([clock.advance(10), clock.advance(30)]);
  assert.equal(clock.now() - began, 30);
});

test("chance of one seed is the same each time", () => {
  const some = (seed: number) => {
    const random = seededRandom(seed);
    return [random.next(), random.next(), random.next()];
  };
  assert.deepEqual(some(7), some(7));
  assert.notDeepEqual(some(7), some(8));
  assert.ok(some(7).every((number) => number >= 0 && number < 1));
});

test("bad input is named", async () => {
  const clock = manualClock();
  const name = "clock.advance takes milliseconds, which must be a number from 0 to 315576000000, not";
  await assert.rejects(clock.advance(-1), { name: "RangeError", message: `${name} -1` });
  await assert.rejects(clock.advance(Number.POSITIVE_INFINITY), { name: "RangeError" });
  await assert.rejects(clock.advance("1 h" as never), { name: "TypeError", message: `${name} "1 h"` });
  assert.throws(() => seededRandom(0.5), /^RangeError: the seed must be an integer from .* not 0\.5$/);
});
