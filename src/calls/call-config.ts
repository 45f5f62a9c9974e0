import type { HedgePlan } from "./hedging/hedge-plan.ts";
import type { RetryOptions } from "./retry/retry-options.ts";

/** What holds for one call: its method's own object, unless the call asked for something else. */
export interface CallConfig {
  /** `false`: exactly one attempt. */
  readonly retry: RetryOptions | false;
  /** `true`: wait through transient failure until the deadline. */
  readonly waitForReady: boolean;
  /** Defined: the call is hedged, and `retry` has no part in it. */
  readonly hedging: HedgePlan | undefined;
}
