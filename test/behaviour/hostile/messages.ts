/** What a test tells its {@link limitedClient}. */
export type ToClient =
  /** Calls go to both backends until "stop". */
  | { readonly type: "start"; readonly hostile: string; readonly good: string }
  | { readonly type: "stop" }
  /** Nothing is left to do: the process should end by itself. */
  | { readonly type: "leave" };

/** What the client saw between "start" and "stop". */
export interface ClientReport {
  readonly type: "report";
  /** Calls that the good backend answered. */
  readonly answered: number;
  /** Of calls with one attempt each, those that the good backend or none failed: there should be none. */
  readonly bystanders: readonly string[];
  /** How calls with one attempt failed at the hostile backend: codes, and one message of each. */
  readonly failures: Readonly<Record<string, string>>;
  readonly failureCount: number;
  /** The same of calls with default retries. */
  readonly afterRetries: Readonly<Record<string, string>>;
  /** Of the transport, after all calls have settled. */
  readonly openCalls: number;
  /** Growth of the resident set at its peak, and of what the heap holds after all is over. */
  readonly peakGrowthBytes: number;
  readonly retainedBytes: number;
  /** Longest that the event loop was held up. */
  readonly longestDelayMs: number;
}

export type FromClient = { readonly type: "listening" } | ClientReport;
