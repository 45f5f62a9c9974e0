import type { RetryBudgetOptions } from "../call/retry-options.ts";
import type { Clock } from "../runtime/clock.ts";

/** The window slides in steps of this. */
const bucketMs = 1_000;
const buckets = 10;

/**
 * How many policy retries a transport may make: those of the last 10 s may be at most `ratio` of the calls of those
 * 10 s plus `minPerSecond` × 10. One lost connection with hundreds of calls must not exhaust it; a fleet that answers
 * Unavailable to all must. (As Finagle's RetryBudget; gRFC A6's token throttle comes with service config.)
 */
export class RetryBudget {
  readonly #options: RetryBudgetOptions;
  readonly #clock: Clock;
  readonly #calls = new Uint32Array(buckets);
  readonly #retries = new Uint32Array(buckets);
  #bucket = 0;
  #bucketEndMs: number;

  constructor(options: RetryBudgetOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
    this.#bucketEndMs = clock.now() + bucketMs;
  }

  /** A call began. */
  deposit(): void {
    this.#advance();
    (this.#calls[this.#bucket] as number)++;
  }

  /** True, and counted, if one more retry fits. */
  withdraw(): boolean {
    this.#advance();
    const { ratio, minPerSecond } = this.#options;
    const allowed = ratio * sum(this.#calls) + minPerSecond * buckets;
    if (sum(this.#retries) + 1 > allowed) return false;
    (this.#retries[this.#bucket] as number)++;
    return true;
  }

  #advance(): void {
    const now = this.#clock.now();
    if (now < this.#bucketEndMs) return;
    const steps = Math.floor((now - this.#bucketEndMs) / bucketMs) + 1;
    this.#bucketEndMs += steps * bucketMs;
    for (let step = 0; step < Math.min(steps, buckets); step++) {
      this.#bucket = (this.#bucket + 1) % buckets;
      this.#calls[this.#bucket] = 0;
      this.#retries[this.#bucket] = 0;
    }
  }
}

function sum(counts: Uint32Array): number {
  let total = 0;
  for (const count of counts) total += count;
  return total;
}
