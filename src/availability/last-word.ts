import type { Clock, TimerHandle } from "../runtime/clock.ts";
import { queueMicrotask } from "../runtime/microtask.ts";

/** Between two words that are told, once there were as many at a time as may be. */
const intervalMs = 100;

/** So many may be told at a time: a server that restarts says three or four things within a second. */
const burst = 10;

/**
 * What a peer said last, told once it has no more to say for now: it may send thousands of words at once. And it may
 * change its mind ten thousand times a second, each of which would be an event and an update of the policy: ten times a
 * second it is heard, and what it said last then counts.
 */
export class LastWord<T> {
  readonly #clock: Clock;
  readonly #onWord: (word: T) => void;
  #word: T | undefined;
  /** What was told last, and of no use to be told again. */
  #told: T | undefined;
  /** Until when the words that were told are paid for, each with an interval. */
  #paidUntilMs = Number.NEGATIVE_INFINITY;
  #timer: TimerHandle | undefined;

  constructor(clock: Clock, onWord: (word: T) => void) {
    this.#clock = clock;
    this.#onWord = onWord;
  }

  say(word: T): void {
    const isDue = this.#word !== undefined;
    this.#word = word;
    if (isDue) return;
    const waitMs = this.#paidUntilMs - this.#clock.now() - (burst - 1) * intervalMs;
    if (waitMs > 0) this.#timer = this.#clock.setTimeout(() => this.#tell(), waitMs);
    else queueMicrotask(() => this.#tell());
  }

  /** What was not told yet counts for nothing, and the next word is news. */
  takeBack(): void {
    this.#clock.clearTimeout(this.#timer);
    this.#word = undefined;
    this.#told = undefined;
  }

  #tell(): void {
    const word = this.#word;
    this.#word = undefined;
    if (word === undefined || word === this.#told) return;
    this.#told = word;
    this.#paidUntilMs = Math.max(this.#paidUntilMs, this.#clock.now()) + intervalMs;
    this.#onWord(word);
  }
}
