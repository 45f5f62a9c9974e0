import { checkBoolean, checkNumber, checkObject, definedFields, orDefault } from "../base/check.ts";
import { checkRetryOptions, type RetryOptions, retryBudgetDefaults, retryDefaults } from "./retry/retry-options.ts";

/** What `retry` takes: the fields that differ from the defaults. */
export type RetryInit = Partial<Omit<RetryOptions, "budget">> & {
  readonly budget?: Partial<Exclude<RetryOptions["budget"], false>> | false;
};

/** What holds for every call unless it says otherwise. */
export interface CallsInit {
  /**
   * How failed calls are repeated; `false`: exactly one attempt. Default 3 attempts on Unavailable and DeadlineExceeded.
   * gRFC A6.
   */
  retry?: RetryInit | false;
  /** `true`: calls wait through transient failure until their deadline. Default `false`: they fail fast. */
  waitForReady?: boolean;
  /**
   * The largest message that a call may receive, before and after it is decompressed; beyond: ResourceExhausted. Default
   * 4 294 967 295, from 1 to 4 294 967 295.
   */
  readMaxBytes?: number;
}

export interface CallsSettings {
  readonly retry: RetryOptions | false;
  readonly waitForReady: boolean;
  readonly readMaxBytes: number;
}

/** The largest message gRPC's length prefix can announce. */
export const messageMaxBytes = 0xffffffff;

export const callsDefaults: CallsSettings = Object.freeze({
  retry: retryDefaults,
  waitForReady: false,
  readMaxBytes: messageMaxBytes,
});

export function checkCallsOptions(given: CallsInit): CallsSettings {
  const { retry, waitForReady, readMaxBytes } = given;
  return {
    retry: retry === false ? false : checkRetry(orDefault(retry, {})),
    waitForReady: checkBoolean("waitForReady", orDefault(waitForReady, callsDefaults.waitForReady)),
    readMaxBytes: checkNumber("readMaxBytes", orDefault(readMaxBytes, callsDefaults.readMaxBytes), {
      min: 1,
      max: messageMaxBytes,
      integer: true,
    }),
  };
}

function checkRetry(retry: RetryInit): RetryOptions {
  checkObject("retry", retry, "false or an object");
  const { budget, ...rest } = retry;
  if (budget === undefined) return checkRetryOptions(rest);
  if (budget === false) return checkRetryOptions({ ...rest, budget });
  checkObject("retry.budget", budget, "false or an object");
  return checkRetryOptions({ ...rest, budget: { ...retryBudgetDefaults, ...definedFields(budget) } });
}
