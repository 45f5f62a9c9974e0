import type { Failure } from "../base/errors.ts";
import type { MethodSpec } from "../base/method-spec.ts";
import type { Backend } from "./backend.ts";
import type { LiveConnection } from "./live-connection.ts";

/** Whom a pinned call goes to: a subchannel, or one connection of it. */
export interface PinnedBackend {
  readonly backend: Backend;
  /** The first with room is taken. */
  readonly connections: readonly LiveConnection[];
}

/** One request message, and any number of responses. */
export interface PinnedRequest {
  readonly method: MethodSpec;
  /** The message, encoded. */
  readonly message: Uint8Array;
}

/** Told of one pinned call. */
export interface PinnedCallListener {
  /** The listener owns the bytes. */
  onMessage(payload: Uint8Array): void;
  /** Exactly once, and last, unless the call was cancelled. Undefined: the server ended it with the status OK. */
  onEnded(failure: Failure | undefined): void;
}

/** A call that is not balanced, because its backend was chosen already. */
export interface PinnedCall {
  /** Begins, once. The listener may hear of the end before this returns. */
  start(): void;
  /** Ends it from this side. Idempotent; the listener hears nothing more. */
  cancel(): void;
}

/**
 * Makes the channel's own calls to one backend: health, load reports. They count as no call of the user's, keep no
 * connection in use and no process alive, have no deadline and no retries, and fail at once where no connection of the
 * backend takes them. They end when their connection leaves service.
 */
export interface PinnedCalls {
  make(to: PinnedBackend, request: PinnedRequest, listener: PinnedCallListener): PinnedCall;
}
