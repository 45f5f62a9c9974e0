import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type LeastRequestOptions, leastRequest } from "../../../src/balancing/least-request.ts";
import { randomPick } from "../../../src/balancing/random-pick.ts";
import { WeightedDice } from "../../../src/balancing/weighted-dice.ts";
import { backends, type FakeBackend } from "../../support/fake-backend.ts";
import { callOn, hundred, pickingFrom } from "../../support/picks.ts";
import { seededRandom } from "../../support/random.ts";

/** Three standard deviations of a count with this expectation. */
const threeSigma = (count: number, share: number) => 3 * Math.sqrt(count * share * (1 - share));

describe("random draws", () => {
  test("keep to the weights, exactly by expectation", () => {
    const weights = [1, 2, 3, 10, 0.5];
    const total = 16.5;
    const dice = new WeightedDice(5, Float64Array.from(weights), seededRandom(3));
    const counts = weights.map(() => 0);
    for (let i = 0; i < 100_000; i++) {
      const drawn = dice.draw();
      counts[drawn] = (counts[drawn] as number) + 1;
    }
    for (const [i, weight] of weights.entries()) {
      const share = weight / total;
      assert.ok(Math.abs((counts[i] as number) - 100_000 * share) <= threeSigma(100_000, share), `${counts}`);
    }
  });

  test("of randomPick are uniform among equals, and by weight else", () => {
    const list = backends("a", "b", "c", "d");
    const equal = pickingFrom(randomPick(), list).counts(40_000);
    for (const count of equal) assert.ok(Math.abs(count - 10_000) <= threeSigma(40_000, 0.25), `${equal}`);
    (list[0] as FakeBackend).weight = 5;
    const unequal = pickingFrom(randomPick(), list).counts(40_000);
    assert.ok(Math.abs((unequal[0] as number) - 25_000) <= threeSigma(40_000, 0.625), `${unequal}`);
  });
});

describe("least request", () => {
  test("compares two that are never the same: of two backends the idler one, always", () => {
    const list = backends("a", "b");
    (list[0] as FakeBackend).openCalls = 1;
    assert.deepEqual(pickingFrom(leastRequest(), list).counts(10_000), [0, 10_000]);
  });

  test("picks the worst of 100 backends never, and the others as two random choices do", () => {
    const list = hundred();
    for (const [i, backend] of list.entries()) backend.openCalls = i;
    const counts = pickingFrom(leastRequest(), list).counts(100_000);
    assert.equal(counts.at(-1), 0);
    // The best is picked when it is drawn: in 2 of 100.
    assert.ok(Math.abs((counts[0] as number) - 2_000) <= threeSigma(100_000, 0.02), `${counts[0]}`);
  });

  test("skips full ones: two with room are compared, though most are full", () => {
    const list = hundred(10);
    for (const backend of list.slice(0, 6)) backend.full = true;
    (list[9] as FakeBackend).openCalls = 5;
    const counts = pickingFrom(leastRequest(), list).counts(20_000);
    // The busy one is picked only where no other was drawn beside it, which takes a row of full ones: not in one of four.
    assert.ok((counts[9] as number) < 1_200, `${counts}`);
  });

  test("with more choices goes to the idle ones more often", () => {
    const idleShare = (choices: number) => {
      const list = hundred();
      for (const backend of list.slice(10)) backend.openCalls = 1;
      const counts = pickingFrom(leastRequest({ choices }), list).counts(20_000);
      return counts.slice(0, 10).reduce((sum, count) => sum + count, 0) / 20_000;
    };
    const [two, ten] = [idleShare(2), idleShare(10)];
    assert.ok(Math.abs(two - 0.19) < 0.02, `${two}`);
    assert.ok(ten > 0.6, `${ten}`);
  });

  test("counts streams until they end", () => {
    const list = backends("a", "b");
    const { picked, counts } = pickingFrom(leastRequest(), list);
    const end = callOn(picked());
    const busy = list.findIndex(({ openCalls }) => openCalls === 1);
    assert.equal(counts(100)[busy], 0);
    end(3_600_000);
    assert.ok((counts(100)[busy] as number) > 20);
  });

  test("shares open calls by weight, and an idle pool's calls too", () => {
    const list = backends("a", "b");
    (list[0] as FakeBackend).weight = 3;
    const { picked, counts } = pickingFrom(leastRequest(), list);
    const idle = counts(10_000);
    assert.ok(Math.abs((idle[0] as number) - 7_500) <= threeSigma(10_000, 0.75), `${idle}`);
    for (let i = 0; i < 400; i++) callOn(picked());
    assert.deepEqual(
      list.map(({ openCalls }) => openCalls),
      [300, 100],
    );
  });

  test("says what is wrong with its options", () => {
    for (const choices of [1, 11, 2.5, Number.NaN]) assert.throws(() => leastRequest({ choices }), /choices must be/);
    assert.throws(() => leastRequest({ choice: 3 } as LeastRequestOptions), /has no field "choice": it knows choices/);
    assert.throws(() => leastRequest(3 as LeastRequestOptions), /leastRequest must be an object/);
  });
});
