import { Code } from "@connectrpc/connect";
import {
  checkBoolean,
  checkNames,
  checkNumber,
  checkObject,
  definedFields,
  describeValue,
  longestMs,
} from "../../base/check.ts";
import { checkCodes } from "../../base/check-codes.ts";

/** A percentile of the latencies that a method has shown: `"p95"`, `"p99.9"`. */
export type Percentile = `p${number}`;

/**
 * A call that is not answered in time is sent to a second backend too, and the first answer counts (gRFC A6, hedging).
 * For calls with one request message; others are never hedged.
 */
export interface HedgingOptions {
  /** Attempts per call, the first included. Default 3, range 2 to 100. */
  readonly maxAttempts: number;
  /**
   * The wait before each further attempt, in milliseconds, from 0: all at once. Or the percentile of the latencies of the
   * method to wait for, above `"p0"` and below `"p100"`: nothing is hedged before a hundred of them are known. A percentile
   * says how much more is sent: with `"p95"` five attempts for each hundred calls, also where latencies change, and of the
   * calls of one moment fifty or so in advance. Default `"p95"`.
   */
  readonly delayMs: number | Percentile;
  /** `false`: also methods whose proto declares no `idempotency_level`, which then run more than once. Default `true`. */
  readonly idempotentOnly: boolean;
  /**
   * A server's status with one of these codes leaves the other attempts running, and sends the next one at once. Any
   * other ends the call. Default Unavailable and DeadlineExceeded.
   */
  readonly nonFatalCodes: readonly Code[];
}

export const hedgingDefaults: HedgingOptions = Object.freeze({
  maxAttempts: 3,
  delayMs: "p95",
  idempotentOnly: true,
  nonFatalCodes: Object.freeze([Code.Unavailable, Code.DeadlineExceeded]),
});

/**
 * Returns the options with every field present and in range, or throws an error that names the one that is not. Fields
 * that are not given come from `base`.
 */
export function checkHedgingOptions(
  name: string,
  given: Partial<HedgingOptions>,
  base: HedgingOptions = hedgingDefaults,
): HedgingOptions {
  checkNames(name, checkObject(name, given, "false or an object"), Object.keys(hedgingDefaults));
  const options = { ...base, ...definedFields(given) };
  checkNumber(`${name}.maxAttempts`, options.maxAttempts, { min: 2, max: 100, integer: true });
  checkDelay(`${name}.delayMs`, options.delayMs);
  checkBoolean(`${name}.idempotentOnly`, options.idempotentOnly);
  return Object.freeze({ ...options, nonFatalCodes: checkCodes(`${name}.nonFatalCodes`, options.nonFatalCodes) });
}

/** The share of calls that a percentile means: 0.95 of `"p95"`. Undefined: it is none. */
export function shareOf(percentile: string): number | undefined {
  const [, digits] = /^p(\d{1,2}(?:\.\d+)?)$/.exec(percentile) ?? [];
  const share = Number(digits) / 100;
  return share > 0 && share < 1 ? share : undefined;
}

function checkDelay(name: string, delayMs: unknown): void {
  if (typeof delayMs !== "string") {
    checkNumber(name, delayMs, { min: 0, max: longestMs });
  } else if (shareOf(delayMs) === undefined) {
    const wanted = `a number from 0 to ${longestMs}, or a percentile like "p95", above p0 and below p100`;
    throw new RangeError(`${name} must be ${wanted}, not ${describeValue(delayMs)}`);
  }
}
