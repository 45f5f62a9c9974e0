import type { Clock, TimerHandle } from "../../runtime/clock.ts";
import type { RetryLimit } from "./retry-limit.ts";
import type { RetryBudgetOptions } from "./retry-options.ts";

/** The window of the budget, and the steps in which it slides. */
const windowSeconds = 10;
const stepMs = 1_000;

/**
 * One step more than the window has: the oldest is partly outside. Retries count with it and calls without it, so that
 * the limit holds for every 10 s that end at a retry, wherever the steps begin.
 */
const steps = windowSeconds + 1;

/**
 * How many policy retries a transport may make: those of the last 10 s may be at most `ratio` of the calls of those
 * 10 s plus `minPerSecond` × 10. A fleet that answers Unavailable to all gets little more than its usual load. (As
 * Finagle's RetryBudget.)
 */
export class RetryBudget implements RetryLimit {
  readonly #options: RetryBudgetOptions;
  readonly #clock: Clock;
  readonly #calls = new Uint32Array(steps);
  readonly #retries = new Uint32Array(steps);
  #refusedMs = Number.NEGATIVE_INFINITY;
  #isNewEpisode = false;
  #step = 0;
  #stepEndMs: number;
  /**
   * Runs while calls come, so that they need not ask for the time, which costs ten times the rest of a deposit. Late, it
   * counts calls as older than they are: that allows less.
   */
  #timer: TimerHandle | undefined;

  constructor(options: RetryBudgetOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
    this.#stepEndMs = clock.now() + stepMs;
  }

  get isNewEpisode(): boolean {
    return this.#isNewEpisode;
  }

  /** How many retries there may be in a window that ends now, and how many there were. */
  get use(): { readonly allowed: number; readonly used: number } {
    this.#advance();
    return { allowed: this.#allowed, used: sum(this.#retries) };
  }

  deposit(): void {
    if (this.#timer === undefined) this.#beginStep();
    (this.#calls[this.#step] as number)++;
  }

  withdraw(): boolean {
    this.#advance();
    if (sum(this.#retries) + 1 > this.#allowed) {
      const now = this.#clock.now();
      this.#isNewEpisode = now - this.#refusedMs >= windowSeconds * 1_000;
      this.#refusedMs = now;
      return false;
    }
    (this.#retries[this.#step] as number)++;
    return true;
  }

  succeeded(): void {
    // What counts is how many calls there are, and not how they end.
  }

  failed(): void {
    // As for those that succeed.
  }

  /** Nobody calls any more. */
  close(): void {
    this.#clock.clearTimeout(this.#timer);
  }

  /** Calls come: the steps are kept by a timer, until one passes without a call. */
  #beginStep(): void {
    this.#advance();
    this.#timer = this.#clock.setTimeout(() => {
      this.#timer = undefined;
      if (this.#calls[this.#step] !== 0) this.#beginStep();
    }, this.#stepEndMs - this.#clock.now());
  }

  get #allowed(): number {
    const { ratio, minPerSecond } = this.#options;
    const oldest = this.#calls[(this.#step + 1) % steps] as number;
    return ratio * (sum(this.#calls) - oldest) + minPerSecond * windowSeconds;
  }

  #advance(): void {
    const now = this.#clock.now();
    if (now < this.#stepEndMs) return;
    const passed = Math.floor((now - this.#stepEndMs) / stepMs) + 1;
    this.#stepEndMs += passed * stepMs;
    for (let i = 0; i < Math.min(passed, steps); i++) {
      this.#step = (this.#step + 1) % steps;
      this.#calls[this.#step] = 0;
      this.#retries[this.#step] = 0;
    }
  }
}

function sum(counts: Uint32Array): number {
  let total = 0;
  for (const count of counts) total += count;
  return total;
}
