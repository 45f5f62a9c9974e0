/** How many policy retries and hedges the calls of one transport may make: a budget, or gRPC's token throttle. */
export interface RetryLimit {
  /** The last refusal was the first in ten seconds or more: while it is short, retries now and then succeed. */
  readonly isNewEpisode: boolean;
  /** A call began. */
  deposit(): void;
  /** True, and counted, if one more retry fits. */
  withdraw(): boolean;
  /** A call succeeded. */
  succeeded(): void;
  /** An attempt may have run, and failed with a code that is retried, or with word not to. */
  failed(): void;
}

/** The limit in force: a service config may bring another. */
export interface CurrentRetryLimit {
  /** Undefined: there is no limit. */
  current: RetryLimit | undefined;
}
