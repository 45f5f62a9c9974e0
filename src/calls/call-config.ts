import type { RetryOptions } from "./retry/retry-options.ts";

/** What holds for one call: the channel's own object, unless the call asked for something else. */
export interface CallConfig {
  /** `false`: exactly one attempt. */
  readonly retry: RetryOptions | false;
  /** `true`: wait through transient failure until the deadline. */
  readonly waitForReady: boolean;
}
