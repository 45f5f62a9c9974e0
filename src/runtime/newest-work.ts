import type { Clock } from "./clock.ts";
import { Portions, type Steps } from "./portions.ts";

/**
 * Work on the newest of what comes again and again. It takes the place of older work that is not done, but no second time
 * in a row: what comes faster than it can be done would never be. The newest then waits for the work at hand.
 */
export class NewestWork {
  readonly #portions: Portions;
  #next: (() => Steps<void>) | undefined;
  #isKept = false;

  constructor(clock: Clock) {
    this.#portions = new Portions(clock);
  }

  /** Begins with work, at once or after that at hand. */
  begin(work: () => Steps<void>): void {
    if (this.#isKept) {
      this.#next = work;
      return;
    }
    this.#isKept = this.#portions.isBusy;
    this.#portions.begin(this.#do(work));
  }

  /** Of the work at hand: newer work may take the place of the rest. Returns whether it has, for it was there. */
  yieldRest(): boolean {
    const next = this.#next;
    this.#next = undefined;
    this.#isKept = false;
    if (next !== undefined) this.#portions.begin(this.#do(next));
    return next !== undefined;
  }

  /** What is not done yet never will be. */
  stop(): void {
    this.#next = undefined;
    this.#isKept = false;
    this.#portions.stop();
  }

  *#do(work: () => Steps<void>): Steps<void> {
    try {
      yield* work();
    } finally {
      this.yieldRest();
    }
  }
}
