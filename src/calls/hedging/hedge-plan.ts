import type { Failure } from "../../base/errors.ts";
import type { Attempt } from "../attempt.ts";
import { type RetryOptions, retryDefaults } from "../retry/retry-options.ts";
import { type HedgingOptions, shareOf } from "./hedging-options.ts";
import type { PercentileDelay } from "./percentile-delay.ts";

/** How the calls of one method are hedged. */
export class HedgePlan {
  /** What of retries holds for attempts side by side: how many, after which codes, and at once. */
  readonly retry: RetryOptions;
  /** A fixed delay; undefined: it follows the latencies. */
  readonly #fixedMs: number | undefined;
  /** Of the calls that are to be hedged. */
  readonly #share: number;
  readonly #delay: PercentileDelay;

  /** `retry`: of the method, for the size of requests that are kept. */
  constructor(
    { maxAttempts, delayMs, nonFatalCodes }: HedgingOptions,
    retry: RetryOptions | false,
    delay: PercentileDelay,
  ) {
    const { bufferMaxBytes } = retry === false ? retryDefaults : retry;
    this.retry = { ...retryDefaults, bufferMaxBytes, maxAttempts, codes: nonFatalCodes, initialBackoffMs: 0 };
    this.#fixedMs = typeof delayMs === "number" ? delayMs : undefined;
    this.#share = typeof delayMs === "number" ? 0 : 1 - (shareOf(delayMs) ?? 1);
    this.#delay = delay;
  }

  /** How long an attempt on a stream is waited for. Undefined: too little is known of the method to hedge. */
  delayMs(): number | undefined {
    return this.#fixedMs ?? this.#delay.delayMs(this.#share);
  }

  /** The wait after an attempt that failed, of which `decidedMs` is decided. Where no backend was found there is none at once. */
  delayAfter({ backend }: Attempt, decidedMs: number): number {
    return backend === undefined ? Math.max(decidedMs, retryDefaults.initialBackoffMs) : decidedMs;
  }

  /**
   * The call ends with it, whatever else is under way: what a server says is the answer, unless its code is non-fatal. What
   * befalls a connection, or finds no room, is none.
   */
  isAnswer({ kind, code, wire }: Failure): boolean {
    if (kind === "canceled" || kind === "deadline" || kind === "closed") return true;
    return wire?.isWireError === true && !this.retry.codes.includes(code);
  }

  /** A call begins that may be hedged. */
  began(): void {
    if (this.#fixedMs === undefined) this.#delay.began(this.#share);
  }

  /** An attempt was sent beside another one. */
  hedged(): void {
    if (this.#fixedMs === undefined) this.#delay.hedged();
  }

  /** A first attempt took so long, or longer. */
  record(latencyMs: number): void {
    if (this.#fixedMs === undefined) this.#delay.record(latencyMs);
  }
}
