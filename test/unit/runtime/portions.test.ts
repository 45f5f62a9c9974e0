import assert from "node:assert/strict";
import { test } from "node:test";
import type { Clock } from "../../../src/runtime/clock.ts";
import { Portions, type Steps } from "../../../src/runtime/portions.ts";

/** Turns of the event loop, taken by hand. */
class Turns implements Pick<Clock, "afterInput"> {
  readonly #due: (() => void)[] = [];

  afterInput(callback: () => void): void {
    this.#due.push(callback);
  }

  get due(): number {
    return this.#due.length;
  }

  take(): void {
    for (const callback of this.#due.splice(0)) callback();
  }
}

function portions(): { readonly turns: Turns; readonly work: Portions } {
  const turns = new Turns();
  return { turns, work: new Portions(turns as unknown as Clock) };
}

function* steps(count: number, cost: number, done: number[]): Steps<void> {
  for (let i = 0; i < count; i++) {
    done.push(i);
    yield cost;
  }
}

test("what there is for a few is done at once", () => {
  const { turns, work } = portions();
  const done: number[] = [];
  work.begin(steps(16, 150, done));
  assert.equal(done.length, 16);
  assert.equal(work.isBusy, false);
  assert.equal(turns.due, 0);
});

test("no turn has more work than it may cost, and all of it is done in its order", () => {
  const { turns, work } = portions();
  const done: number[] = [];
  work.begin(steps(10_000, 12, done));
  const perTurn = done.length;
  assert.ok(perTurn > 100 && perTurn * 12 <= 2_512, `${perTurn} steps in the first turn`);
  for (let before = done.length; work.isBusy; before = done.length) {
    turns.take();
    assert.ok(done.length - before <= perTurn);
  }
  assert.deepEqual(
    done,
    Array.from({ length: 10_000 }, (_, i) => i),
  );
});

test("newer work takes the place of what is not done yet", () => {
  const { turns, work } = portions();
  const [old, newer]: [number[], number[]] = [[], []];
  work.begin(steps(1_000, 100, old));
  work.begin(steps(1_000, 100, newer));
  const before = old.length;
  while (turns.due > 0) turns.take();
  assert.equal(old.length, before);
  assert.equal(newer.length, 1_000);
});

test("work that is stopped, by itself or by others, goes no further", () => {
  const { turns, work } = portions();
  const done: number[] = [];
  work.begin(steps(1_000, 100, done));
  work.stop();
  const before = done.length;
  while (turns.due > 0) turns.take();
  assert.equal(done.length, before);
  let last = 0;
  work.begin(
    (function* (): Steps<void> {
      for (let i = 0; i < 10; i++) {
        last = i;
        if (i === 3) work.stop();
        yield 1;
      }
    })(),
  );
  assert.equal(last, 3);
  assert.equal(work.isBusy, false);
});
