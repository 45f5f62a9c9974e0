import assert from "node:assert/strict";
import { test } from "node:test";
import { NextAttempt } from "../../../../src/calls/hedging/next-attempt.ts";
import { ManualClock } from "../../../support/manual-clock.ts";

/** A clock whose timers are all due in one turn of the event loop, which reads its input after them. */
class LateClock extends ManualClock {
  readonly #due = new Set<() => void>();
  readonly #afterInput: (() => void)[] = [];

  override setTimeout(callback: () => void): object {
    this.#due.add(callback);
    return callback;
  }

  override clearTimeout(timer: object | undefined): void {
    this.#due.delete(timer as () => void);
  }

  override afterInput(callback: () => void): void {
    this.#afterInput.push(callback);
  }

  turn(input: () => void): void {
    for (const callback of [...this.#due]) {
      this.#due.delete(callback);
      callback();
    }
    input();
    for (const callback of this.#afterInput.splice(0)) callback();
  }
}

test("a stalled event loop that gets to its timers reads what has arrived first: a call that is answered is not hedged", () => {
  const clock = new LateClock();
  const next = new NextAttempt(clock);
  let started = 0;
  next.after(10, () => started++);
  clock.turn(() => next.clear());
  assert.equal(started, 0, "its answer had arrived");
  next.after(10, () => started++);
  clock.turn(() => undefined);
  assert.equal(started, 1, "nothing had");
});

test("what was read may bring another wait, which holds in place of the one that is over", () => {
  const clock = new LateClock();
  const next = new NextAttempt(clock);
  const started: string[] = [];
  next.after(10, () => started.push("one that was too slow"));
  clock.turn(() => next.promise(100, () => started.push("one that follows a failure")));
  assert.deepEqual([started, next.isPromised], [[], true]);
  clock.turn(() => undefined);
  assert.deepEqual([started, next.isPromised], [["one that follows a failure"], false]);
});
