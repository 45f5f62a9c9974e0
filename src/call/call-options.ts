import type { Code, ContextKey } from "@connectrpc/connect";
import type { Progress } from "../errors.ts";
import type { RetryOptions } from "./retry-options.ts";

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
  readonly message: string | undefined;
  /** The wait before the next attempt; undefined: there is none. */
  readonly retryDelayMs: number | undefined;
}

/** What a single call may ask for. Set it through Connect's context values, under {@link glinkCall}. */
export interface CallOptions {
  /** Overrides the transport's retry options for this call: `false`, or the fields that differ. */
  readonly retry?: false | Partial<Omit<RetryOptions, "budget">>;
  /** `true`: wait through transient failure until the deadline. */
  readonly waitForReady?: boolean;
  /** Called after each attempt. An error it throws is reported as an event and touches nothing. */
  readonly onAttempt?: (report: AttemptReport) => void;
}

/** The key under which a call's own options travel: `createContextValues().set(glinkCall, { retry: false })`. */
export const glinkCall: ContextKey<CallOptions> = {
  // From the global registry, so that two copies of this package in one process agree.
  id: Symbol.for("glink.call"),
  defaultValue: Object.freeze({}),
};
