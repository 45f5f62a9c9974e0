import { checkNumber } from "../../base/check.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { RetryLimit } from "./retry-limit.ts";

/** gRFC A6's retryThrottling. */
export interface RetryThrottling {
  /** Above 0, to 1 000. */
  readonly maxTokens: number;
  /** What a success gives back; three decimals count. */
  readonly tokenRatio: number;
}

/** An episode is over when nothing was refused for this long. */
const episodeMs = 10_000;

/** Throws an error that names the field below `name` and its range. */
export function checkThrottling(name: string, given: Readonly<Record<string, unknown>>): RetryThrottling {
  const maxTokens = checkNumber(`${name}.maxTokens`, given.maxTokens, { min: 0, max: 1_000 });
  const ratio = checkNumber(`${name}.tokenRatio`, given.tokenRatio, { min: 0, max: 1_000_000 });
  const tokenRatio = Math.floor(ratio * 1_000) / 1_000;
  if (maxTokens === 0) throw new RangeError(`${name}.maxTokens must be above 0, up to 1000`);
  if (tokenRatio === 0) throw new RangeError(`${name}.tokenRatio must be at least 0.001, not ${ratio}`);
  return { maxTokens, tokenRatio };
}

/**
 * gRFC A6's throttle: each failure takes a token, each success gives a part of one back, and with half of them gone there
 * are no retries.
 */
export class RetryThrottle implements RetryLimit {
  readonly #options: RetryThrottling;
  readonly #clock: Clock;
  #tokens: number;
  #refusedMs = Number.NEGATIVE_INFINITY;
  #isNewEpisode = false;

  /** As full as `previous` was, where there was one: a new config is no pardon. */
  constructor(options: RetryThrottling, clock: Clock, previous: RetryLimit | undefined) {
    this.#options = options;
    this.#clock = clock;
    this.#tokens = options.maxTokens * (previous instanceof RetryThrottle ? previous.#filled : 1);
  }

  get isNewEpisode(): boolean {
    return this.#isNewEpisode;
  }

  deposit(): void {
    // Calls are free: their outcome counts.
  }

  withdraw(): boolean {
    if (this.#filled > 1 / 2) return true;
    const now = this.#clock.now();
    this.#isNewEpisode = now - this.#refusedMs >= episodeMs;
    this.#refusedMs = now;
    return false;
  }

  succeeded(): void {
    this.#tokens = Math.min(this.#tokens + this.#options.tokenRatio, this.#options.maxTokens);
  }

  failed(): void {
    this.#tokens = Math.max(this.#tokens - 1, 0);
  }

  get #filled(): number {
    return this.#tokens / this.#options.maxTokens;
  }
}
