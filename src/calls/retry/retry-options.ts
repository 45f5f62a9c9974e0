import { Code } from "@connectrpc/connect";
import { checkBoolean, checkNames, checkNumber, checkObject, definedFields, longestMs } from "../../base/check.ts";
import { checkCodes } from "../../base/check-codes.ts";
import type { BackoffOptions } from "../../runtime/backoff.ts";

/**
 * How failed attempts are repeated. Names follow gRFC A6's retryPolicy. The waits between attempts: `initialBackoffMs` 100
 * (0 and up), `multiplier` 2 (1 to 1 000), `maxBackoffMs` 1 000 (0 and up), `jitter` 0.2 (0 to 1).
 */
export interface RetryOptions extends BackoffOptions {
  /** Attempts per call, the first included. 1: no retry by policy. Default 3, range 1 to 100. */
  readonly maxAttempts: number;
  /** Codes that a further attempt may cure. Default Unavailable and DeadlineExceeded. */
  readonly codes: readonly Code[];
  /**
   * An attempt whose response has not begun this long after it was given to a backend, and its request was ended, is
   * given up, and counts as DeadlineExceeded: the time in which a backend waits for the caller's messages is not
   * counted. Default: none, range from 1 ms.
   */
  readonly perAttemptTimeoutMs: number | undefined;
  /**
   * `true`: an attempt that may have run is repeated only for methods whose proto declares `idempotency_level`.
   * Default `false`, the gRPC way.
   */
  readonly idempotentOnly: boolean;
  /** Limits retries to a share of all calls; `false`: no limit. Default: on, with the defaults of its fields. */
  readonly budget: RetryBudgetOptions | false;
  /** Requests up to this size are kept for another attempt. Default 1 MiB, range 0 to 2^32 - 1. */
  readonly bufferMaxBytes: number;
  /**
   * What the open calls of the transport may keep together for another attempt. A request that does not fit is sent
   * once. Default 16 MiB, range 0 to 2^40, or `Infinity`: no limit.
   */
  readonly bufferTotalMaxBytes: number;
}

/**
 * Policy retries of the last 10 s may be at most `ratio` of the calls of those 10 s plus `minPerSecond` × 10. Retries
 * that leave a lost connection for another one are not counted: a dead server needs no protection.
 */
export interface RetryBudgetOptions {
  /** Retries for each call. Default 0.1, range 0 to 1 000. */
  readonly ratio: number;
  /** Retries that are free each second, however few calls there are. Default 10, range 0 to 1 000 000. */
  readonly minPerSecond: number;
}

export const retryBudgetDefaults: RetryBudgetOptions = Object.freeze({ ratio: 0.1, minPerSecond: 10 });

export const retryDefaults: RetryOptions = Object.freeze({
  maxAttempts: 3,
  codes: Object.freeze([Code.Unavailable, Code.DeadlineExceeded]),
  initialBackoffMs: 100,
  multiplier: 2,
  maxBackoffMs: 1_000,
  jitter: 0.2,
  perAttemptTimeoutMs: undefined,
  idempotentOnly: false,
  budget: retryBudgetDefaults,
  bufferMaxBytes: 1_048_576,
  bufferTotalMaxBytes: 16_777_216,
});

/**
 * Returns the options with every field present and in range, or throws an error that names the one that is not. Fields
 * that are not given come from `base`.
 */
export function checkRetryOptions(
  given: Partial<RetryOptions>,
  base: RetryOptions = retryDefaults,
  name = "retry",
): RetryOptions {
  checkNames(name, checkObject(name, given, "false or an object"), Object.keys(retryDefaults));
  const options = { ...base, ...definedFields(given) };
  const { perAttemptTimeoutMs, budget } = options;
  checkNumber(`${name}.maxAttempts`, options.maxAttempts, { min: 1, max: 100, integer: true });
  checkNumber(`${name}.initialBackoffMs`, options.initialBackoffMs, { min: 0, max: longestMs });
  checkNumber(`${name}.multiplier`, options.multiplier, { min: 1, max: 1_000 });
  checkNumber(`${name}.maxBackoffMs`, options.maxBackoffMs, { min: 0, max: longestMs });
  checkNumber(`${name}.jitter`, options.jitter, { min: 0, max: 1 });
  if (perAttemptTimeoutMs !== undefined) {
    checkNumber(`${name}.perAttemptTimeoutMs`, perAttemptTimeoutMs, { min: 1, max: longestMs, infinity: "none" });
  }
  checkBoolean(`${name}.idempotentOnly`, options.idempotentOnly);
  checkNumber(`${name}.bufferMaxBytes`, options.bufferMaxBytes, { min: 0, max: 2 ** 32 - 1, integer: true });
  const total = { min: 0, max: 2 ** 40, integer: true, infinity: "no limit" };
  checkNumber(`${name}.bufferTotalMaxBytes`, options.bufferTotalMaxBytes, total);
  if (budget !== false) {
    checkNames(`${name}.budget`, checkObject(`${name}.budget`, budget, "false or an object"), [
      "ratio",
      "minPerSecond",
    ]);
    checkNumber(`${name}.budget.ratio`, budget.ratio, { min: 0, max: 1_000 });
    checkNumber(`${name}.budget.minPerSecond`, budget.minPerSecond, { min: 0, max: 1_000_000 });
  }
  return Object.freeze({ ...options, codes: checkCodes(`${name}.codes`, options.codes) });
}
