import { AsyncResource } from "node:async_hooks";
import { Code, type ContextKey, type ContextValues } from "@connectrpc/connect";
import { checkBoolean, checkObject, describeValue } from "../base/check.ts";
import { earlyError } from "../base/connect-error.ts";
import type { Progress } from "../base/errors.ts";
import { describeCause } from "../base/thrown.ts";
import { checkHedgingOptions, type HedgingOptions } from "./hedging/hedging-options.ts";
import type { MethodRetry } from "./methods/method-config.ts";
import { checkOwnRetry } from "./methods/methods-options.ts";

/** What one attempt came to. */
export interface AttemptReport {
  /** 1 for the first. */
  readonly attempt: number;
  /** The backend, or undefined when none was found. */
  readonly address: string | undefined;
  /** Undefined: it succeeded. */
  readonly code: Code | undefined;
  /** How far it got, when it failed. */
  readonly progress: Progress | undefined;
  /** What happened, or the text of the server's own status; undefined: it succeeded. */
  readonly message: string | undefined;
  /** The wait before the next attempt; undefined: there is none. */
  readonly retryDelayMs: number | undefined;
}

/** What a single call may ask for. Set it through Connect's context values, under {@link glinkCall}. */
export interface GlinkCallOptions {
  /** Overrides the retry options of the method and the transport for this call: `false`, or the fields that differ. */
  readonly retry?: false | MethodRetry;
  /**
   * Overrides what is set for the method and the transport: `false`, or the fields that differ. A call that hedges is not
   * retried by policy.
   */
  readonly hedging?: false | Partial<HedgingOptions>;
  /** `true`: wait through transient failure until the deadline. */
  readonly waitForReady?: boolean;
  /** What the policy `ringHash` sends the call by: calls with the same key go to the same backend. */
  readonly hashKey?: string;
  /**
   * Called after each attempt, in the caller's async context. An error it throws is reported as an event and touches
   * nothing.
   */
  readonly onAttempt?: (report: AttemptReport) => void;
}

/** The key under which a call's own options travel: `createContextValues().set(glinkCall, { retry: false })`. */
export const glinkCall: ContextKey<GlinkCallOptions> = {
  // From the global registry, so that two copies of this package in one process agree.
  id: Symbol.for("glink.call"),
  defaultValue: Object.freeze({}),
};

/**
 * What a call's context values ask for, checked. Throws a ConnectError with InvalidArgument that names the option, the
 * value and the range.
 */
export function callOptionsOf(contextValues: ContextValues | undefined): GlinkCallOptions {
  const options = contextValues?.get(glinkCall);
  if (options === undefined || options === glinkCall.defaultValue) return glinkCall.defaultValue;
  try {
    return checkCallOptions(options);
  } catch (error) {
    throw earlyError("invalid-request", Code.InvalidArgument, `glinkCall: ${describeCause(error)}`, error);
  }
}

function checkCallOptions(options: GlinkCallOptions): GlinkCallOptions {
  const { retry, hedging, waitForReady, hashKey, onAttempt } = checkObject("the value", options);
  for (const name of Object.keys(options)) {
    if (!knownNames.has(name)) throw new TypeError(`the option "${name}" is unknown`);
  }
  if (retry !== undefined && retry !== false) checkOwnRetry("retry", retry);
  if (hedging !== undefined && hedging !== false) checkHedgingOptions("hedging", hedging);
  if (waitForReady !== undefined) checkBoolean("waitForReady", waitForReady);
  if (hashKey !== undefined && typeof hashKey !== "string") {
    throw new TypeError(`hashKey must be a text, not ${describeValue(hashKey)}`);
  }
  if (onAttempt === undefined) return options;
  if (typeof onAttempt !== "function") {
    throw new TypeError(`onAttempt must be a function, not ${describeValue(onAttempt)}`);
  }
  // Not AsyncResource.bind: on Node 20 that takes as much CPU as the call.
  const context = new AsyncResource("glink.onAttempt", { requireManualDestroy: true });
  return { ...options, onAttempt: (report) => context.runInAsyncScope(onAttempt, undefined, report) };
}

const knownNames = new Set<string>([
  "retry",
  "hedging",
  "waitForReady",
  "hashKey",
  "onAttempt",
] satisfies (keyof GlinkCallOptions)[]);
