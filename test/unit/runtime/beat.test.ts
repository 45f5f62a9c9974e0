import assert from "node:assert/strict";
import { test } from "node:test";
import { Beat, nearestBeatMs, nextBeatMs } from "../../../src/runtime/beat.ts";
import { ManualClock } from "../../support/manual-clock.ts";

const nothing = () => undefined;

/** A beat of 3 s on a clock of its own, and the moments at which `look` looked. */
function beatOf3s() {
  const clock = new ManualClock();
  const moments: number[] = [];
  return { clock, beat: new Beat(3_000, clock), moments, look: () => void moments.push(clock.now()) };
}

test("thousands look at each beat, and wait for it with one timer", async () => {
  const { clock, beat } = beatOf3s();
  const looked = new Set<number>();
  for (let i = 0; i < 10_000; i++) beat.add(() => void looked.add(i));
  assert.equal(clock.pending, 1);
  await clock.advance(3_000);
  assert.ok(looked.size < 10_000, "not all of them in one turn of the event loop");
  for (let turns = 0; turns < 30; turns++) await clock.advance(0);
  assert.equal(looked.size, 10_000);
});

test("whoever has the same step waits for the same moments, whenever each began", async () => {
  const clock = new ManualClock();
  const moments = new Set<number>();
  for (let i = 0; i < 50; i++) {
    new Beat(3_000, clock).add(() => void moments.add(clock.now()));
    await clock.advance(137);
  }
  moments.clear();
  await clock.advance(60_000);
  assert.equal(moments.size, 20);
});

test("the first look is within a step, and none comes twice because a timer was early", async () => {
  const { clock, beat, moments, look } = beatOf3s();
  const { setTimeout } = clock;
  clock.setTimeout = (callback, delayMs) => setTimeout.call(clock, callback, Math.floor(delayMs - 0.5));
  beat.add(look);
  await clock.advance(3_000);
  assert.equal(moments.length, 1);
  await clock.advance(30_000);
  assert.equal(moments.length, 11);
});

test("how late a beat is, is told; what was missed is not made up for", async () => {
  const { clock, beat } = beatOf3s();
  const late: number[] = [];
  beat.add((lateMs) => late.push(lateMs));
  clock.stall(3_602_000);
  await clock.advance(0);
  assert.deepEqual(late, [3_600_000]);
  await clock.advance(3_000);
  assert.deepEqual(late, [3_600_000, 0]);
});

test("who was deleted looks no more, be it during the beat, and without anybody there is no timer", async () => {
  const { clock, beat, moments, look } = beatOf3s();
  const first = () => beat.delete(look);
  beat.add(first);
  beat.add(look);
  await clock.advance(6_000);
  assert.deepEqual(moments, []);
  beat.delete(first);
  assert.equal(clock.pending, 0);
  beat.add(look);
  await clock.advance(3_000);
  assert.equal(moments.length, 1);
  beat.delete(look);
  assert.equal(clock.pending, 0);
});

test("a step of Infinity never comes", () => {
  const clock = new ManualClock();
  new Beat(Number.POSITIVE_INFINITY, clock).add(nothing);
  assert.equal(clock.pending, 0);
});

test("beats are multiples of their step, and the next one is always later", () => {
  assert.deepEqual([nextBeatMs(2_999, 3_000), nextBeatMs(3_000, 3_000)], [3_000, 6_000]);
  assert.deepEqual([nearestBeatMs(4_499, 3_000), nearestBeatMs(4_501, 3_000)], [3_000, 6_000]);
  for (let i = 0; i < 1_000; i++) assert.ok(nextBeatMs(i * 0.1, 0.1) > i * 0.1);
});
