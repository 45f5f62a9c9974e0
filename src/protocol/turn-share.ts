import type { Clock } from "../runtime/clock.ts";

/** What is done at once in a turn; the rest waits. With the longest piece of work, a turn so takes twice as long at most. */
const turnMs = 1;

/**
 * The share of a turn of the event loop that some kind of work may take: a read may bring hundreds of messages, each of
 * which is little work. What is beyond it waits for the next turn, in its order, and input is read in between.
 */
export class TurnShare {
  readonly #clock: Clock;
  readonly #waiting: (() => void)[] = [];
  #spentMs = 0;
  #isScheduled = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Does `work` now, or in a turn that has time left for it: then a promise of what it returns, or throws. */
  run<T>(work: () => T | Promise<T>): T | Promise<T> {
    if (this.#spentMs < turnMs && this.#waiting.length === 0) return this.#measured(work);
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push(() => {
        try {
          resolve(this.#measured(work));
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  #measured<T>(work: () => T): T {
    const beganMs = this.#clock.now();
    try {
      return work();
    } finally {
      this.#spentMs += this.#clock.now() - beganMs;
      this.#schedule();
    }
  }

  /** Whoever spent something sees to it that the share is whole again in the next turn. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#clock.afterInput(this.#begin);
  }

  readonly #begin = (): void => {
    this.#isScheduled = false;
    this.#spentMs = 0;
    while (this.#spentMs < turnMs && this.#waiting.length > 0) this.#waiting.shift()?.();
  };
}
