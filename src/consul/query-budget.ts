import type { Clock } from "../index.ts";

/** Two queries may follow each other at once, and then one every 15 s: a service that flaps is not worth more. */
const burst = 2;
const refillMs = 15_000;

/** A token bucket for queries, as Consul recommends it to its clients. It is never empty when something changes rarely. */
export class QueryBudget {
  readonly #clock: Clock;
  #tokens = burst;
  #countedMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#countedMs = clock.now();
  }

  /** A query is sent. */
  take(): void {
    this.#refill();
    this.#tokens = Math.max(this.#tokens - 1, 0);
  }

  /** How long the next one should wait. `urgent`: calls fail for want of a better list. */
  waitMs(urgent: boolean): number {
    this.#refill();
    return urgent || this.#tokens >= 1 ? 0 : (1 - this.#tokens) * refillMs;
  }

  #refill(): void {
    const now = this.#clock.now();
    this.#tokens = Math.min(burst, this.#tokens + (now - this.#countedMs) / refillMs);
    this.#countedMs = now;
  }
}
