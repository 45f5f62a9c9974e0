import type { HedgingOptions } from "../hedging/hedging-options.ts";
import type { RetryOptions } from "../retry/retry-options.ts";

/** Retry options that may differ by method or call: the rest is the transport's. */
export type MethodRetry = Partial<Omit<RetryOptions, "budget" | "bufferTotalMaxBytes">>;

/** What may be set for a service or a method. What is not given here comes from the service, then from the transport. */
export interface MethodConfig {
  /**
   * A limit for each call, in milliseconds, above 0: with a `timeoutMs` of the call's own the smaller one holds. Default:
   * none, and the transport's `defaultTimeoutMs` holds for calls that name no timeout.
   */
  readonly timeoutMs?: number | undefined;
  /** `true`: calls wait through transient failure until their deadline. */
  readonly waitForReady?: boolean | undefined;
  /** `false`: exactly one attempt. Or the fields that differ. */
  readonly retry?: false | MethodRetry | undefined;
  /** `false`: no hedging. Or the fields that differ. A call that hedges is not retried by policy. */
  readonly hedging?: false | Partial<HedgingOptions> | undefined;
}

/** What holds for each call of a method, unless the call asked for something else. */
export interface MethodPolicy {
  /** Undefined: none, but what the call or the transport's face has. */
  readonly timeoutMs: number | undefined;
  readonly waitForReady: boolean;
  /** `false`: exactly one attempt. */
  readonly retry: RetryOptions | false;
  readonly hedging: HedgingOptions | false;
}

/** Values that were set in one place. */
export interface ConfigLayer {
  /** Where, as `explain` says it. */
  readonly origin: string;
  /** Checked. */
  readonly config: MethodConfig;
}
