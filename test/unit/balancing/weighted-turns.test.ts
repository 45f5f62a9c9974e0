import assert from "node:assert/strict";
import { test } from "node:test";
import { roundRobin } from "../../../src/balancing/round-robin.ts";
import { WeightedTurns } from "../../../src/balancing/weighted-turns.ts";
import { backends } from "../../support/fake-backend.ts";
import { pickingFrom } from "../../support/picks.ts";
import { constantRandom, seededRandom } from "../../support/random.ts";

function turnsOf(weights: readonly number[], count: number, random = seededRandom(1)): number[] {
  const turns = new WeightedTurns(Float64Array.from(weights), random);
  return Array.from({ length: count }, () => turns.next());
}

const countOf = (turns: readonly number[], index: number) => turns.filter((one) => one === index).length;

test("turns are in exact proportion to the weights", () => {
  const turns = turnsOf([5, 1, 1], 7_000);
  assert.ok(Math.abs(countOf(turns, 0) - 5_000) <= 1);
  assert.ok(Math.abs(countOf(turns, 1) - 1_000) <= 1);
});

test("turns are spread evenly: in any stretch nobody has one more or one less than its share", () => {
  const turns = turnsOf([5, 3, 2], 10_000);
  for (let start = 0; start + 10 <= turns.length; start += 7) {
    const stretch = turns.slice(start, start + 10);
    for (const [index, share] of [5, 3, 2].entries()) {
      assert.ok(Math.abs(countOf(stretch, index) - share) <= 1, `${stretch}`);
    }
  }
});

test("the first deadline is uniform in the first period: a client that begins anew at every turn keeps to the weights", () => {
  const random = seededRandom(7);
  const first = Array.from({ length: 20_000 }, () => turnsOf([3, 1], 1, random)[0] as number);
  // P(u/3 < v) for two uniform numbers is 5/6.
  const share = countOf(first, 0) / first.length;
  assert.ok(Math.abs(share - 5 / 6) < 0.01, `${share}`);
});

test("of many weights, far apart, each has its share", () => {
  const weights = Array.from({ length: 1_000 }, (_, i) => 10 ** (i % 4));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const turns = turnsOf(weights, total * 2);
  const counts = new Map<number, number>();
  for (const turn of turns) counts.set(turn, (counts.get(turn) ?? 0) + 1);
  for (const [i, weight] of weights.entries()) assert.ok(Math.abs((counts.get(i) ?? 0) - 2 * weight) <= 2);
});

test("of however many, it is the turn of the earliest deadline", () => {
  const random = seededRandom(3);
  for (let count = 1; count <= 40; count++) {
    const weights = Array.from({ length: count }, () => 1 + random.next());
    const begin = seededRandom(count);
    const deadlines = weights.map((weight) => begin.next() / weight);
    const expected = Array.from({ length: 5 * count }, () => {
      const index = deadlines.indexOf(Math.min(...deadlines));
      deadlines[index] = (deadlines[index] as number) + 1 / (weights[index] as number);
      return index;
    });
    assert.deepEqual(turnsOf(weights, 5 * count, seededRandom(count)), expected);
  }
});

test("the smallest and the greatest weight there are do not disturb each other", () => {
  const turns = turnsOf([1e9, 1e-9, 1e9], 10_000, constantRandom(0.5));
  assert.equal(countOf(turns, 1), 0);
  assert.equal(countOf(turns, 0), 5_000);
});

test("round robin follows weights where they differ, and is exact turns again where they do not", () => {
  const list = backends("a", "b", "c");
  const [a, b, c] = list;
  if (a === undefined || b === undefined || c === undefined) throw new Error("three were made");
  a.weight = 3;
  const { policy, counts } = pickingFrom(roundRobin(), list);
  const [three = 0] = counts(1_000);
  assert.ok(Math.abs(three - 600) <= 1);
  a.weight = 1;
  policy.update([a, b]);
  policy.update([a, b, c]);
  assert.deepEqual(counts(999), [333, 333, 333]);
});
