import type { Clock } from "./clock.ts";

/**
 * Work in steps, of which each yields what it cost: about the microseconds that it takes on a slow machine, as a constant and
 * not as a measurement. The turn of the event loop may end after any of them.
 */
export type Steps<Result> = Generator<number, Result, undefined>;

/** Work of many small pieces is yielded in steps of about this cost: a step for each would cost more than the piece. */
const usualStepCost = 100;

/** Visits each of the items, in steps of about that cost. `visit` returns what the one at hand cost. */
export function* inSteps<T>(items: Iterable<T>, visit: (item: T) => number): Steps<void> {
  let cost = 0;
  for (const item of items) {
    cost += visit(item);
    if (cost < usualStepCost) continue;
    yield cost;
    cost = 0;
  }
}

/** The cost of a step after which the turn is to end: what it led to takes its time. */
export const endOfTurn: number = Number.POSITIVE_INFINITY;

/**
 * What one turn may cost of one kind of work, of which two may go on at a time. The rest of the ten milliseconds that nobody
 * notices is for what the steps lead to.
 */
const costPerTurn = 2_500;

/**
 * Does work on long lists in portions: what there is for a few is done at once, and what thousands need is spread over turns
 * of the event loop, in which calls and input have their share. Costs are constants, so the same list is always cut in the
 * same places.
 */
export class Portions {
  readonly #clock: Clock;
  #work: Steps<void> | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** True until the last step is done. */
  get isBusy(): boolean {
    return this.#work !== undefined;
  }

  /** Begins with work, in place of what is not done yet. The first portion is done when this returns. */
  begin(work: Steps<void>): void {
    this.#work = work;
    this.#portion(work);
  }

  /** What is not done yet never will be. */
  stop(): void {
    this.#work = undefined;
  }

  #portion(work: Steps<void>): void {
    for (let cost = 0; cost < costPerTurn; ) {
      const step = work.next();
      // It may have led to other work, or to the end of all.
      if (this.#work !== work) return;
      if (step.done === true) {
        this.#work = undefined;
        return;
      }
      cost += step.value;
    }
    this.#clock.afterInput(() => {
      if (this.#work === work) this.#portion(work);
    });
  }
}
