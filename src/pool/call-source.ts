import type { Pick, PickInfo } from "../balancing/picker.ts";
import type { Failure } from "../base/errors.ts";
import type { PendingDial } from "../endpoint/target.ts";
import type { WaitReason } from "../observe/wait-reason.ts";
import type { CallConnection } from "../subchannel/call-connection.ts";

/** An attempt that wants a connection. */
export interface PendingCall {
  readonly pickInfo: PickInfo;
  /** True: wait through transient failure instead of failing with it. */
  readonly waitForReady: boolean;
  /** What it holds of its request while it waits. 0 for client streams: their messages wait with their callers. */
  readonly requestBytes: number;
  /** There is none yet: told at the first time, and whenever it was picked for in vain. See {@link CallSource.waitReason}. */
  onWaits?(): void;
  /** There is one, and it has room: the request is started on it at once, before anything else happens. */
  onPicked(connection: CallConnection, pick: Pick): void;
  /** There is none. */
  onPickFailed(failure: Failure): void;
}

/** Where attempts find connections: a pool, or one backend of it. */
export interface CallSource {
  /**
   * Finds a connection for the call: it is told by one of its two callbacks, before this returns or later, and exactly
   * once. Whoever is told may dispatch again.
   */
  dispatch(call: PendingCall): void;
  /** The call no longer waits: it is not told any more. */
  withdraw(call: PendingCall): void;
  /** Calls fail here: what is known of the backends may be out of date. A hint. */
  refresh(): void;
  /**
   * True when a call that failed on these connections, on the last of them just now, has another to go to: one that is
   * ready, or one that is being made or will be at once, because nothing is known against its backend.
   */
  hasConnectionBeyond(failed: readonly CallConnection[]): boolean;
  /** Why no connection is ready, as far as it is known. */
  readonly lastFailure: Failure | undefined;
  /** The dial that has been under way for longest. */
  readonly eldestDial: PendingDial | undefined;
  /** What a call that has to wait is waiting for. */
  readonly waitReason: WaitReason;
}
