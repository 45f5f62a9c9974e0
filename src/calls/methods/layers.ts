import { definedFields } from "../../base/check.ts";
import { type HedgingOptions, hedgingDefaults } from "../hedging/hedging-options.ts";
import { type RetryOptions, retryDefaults } from "../retry/retry-options.ts";
import type { ConfigLayer, MethodPolicy } from "./method-config.ts";

/** A value of a policy, by its path: `retry.maxAttempts`. */
export type Origins = ReadonlyMap<string, string>;

/** What holds where nothing is set. */
const policyDefaults: MethodPolicy = Object.freeze({
  timeoutMs: undefined,
  waitForReady: false,
  retry: retryDefaults,
  hedging: false,
});

/** The policy that the layers come to, the most specific first; and of each value that a layer set, which one did. */
export function mergeLayers(layers: readonly ConfigLayer[]): { policy: MethodPolicy; origins: Origins } {
  const origins = new Map<string, string>();
  let policy = policyDefaults;
  for (const { origin, config } of layers.toReversed()) {
    const { timeoutMs, waitForReady, retry, hedging } = config;
    if (timeoutMs !== undefined) {
      origins.set("timeoutMs", origin);
      policy = { ...policy, timeoutMs };
    }
    if (waitForReady !== undefined) {
      origins.set("waitForReady", origin);
      policy = { ...policy, waitForReady };
    }
    if (retry !== undefined) {
      note(origins, "retry", origin, retry);
      policy = { ...policy, retry: mergeRetry(policy.retry, retry) };
    }
    if (hedging !== undefined) {
      note(origins, "hedging", origin, hedging);
      policy = { ...policy, hedging: mergeHedging(policy.hedging, hedging) };
    }
  }
  return { policy: Object.freeze(policy), origins };
}

/** `given` is checked. */
export function mergeRetry(base: RetryOptions | false, given: false | Partial<RetryOptions>): RetryOptions | false {
  return given === false ? false : { ...(base === false ? retryDefaults : base), ...definedFields(given) };
}

/** `given` is checked. */
export function mergeHedging(
  base: HedgingOptions | false,
  given: false | Partial<HedgingOptions>,
): HedgingOptions | false {
  return given === false ? false : { ...(base === false ? hedgingDefaults : base), ...definedFields(given) };
}

function note(origins: Map<string, string>, name: string, origin: string, given: false | object): void {
  origins.set(name, origin);
  if (given === false) {
    // What is set above it begins with the defaults again.
    for (const path of [...origins.keys()]) if (path.startsWith(`${name}.`)) origins.delete(path);
  } else {
    for (const field of Object.keys(definedFields(given))) origins.set(`${name}.${field}`, origin);
  }
}
