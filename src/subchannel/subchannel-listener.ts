import type { ConnectivityState } from "../base/connectivity-state.ts";
import type { Failure } from "../base/errors.ts";
import type { RetireReason } from "../observe/retire-reason.ts";
import type { AttemptedRequest } from "./call-connection.ts";
import type { LiveConnection } from "./live-connection.ts";
import type { GoawayNotice, SuspectReason } from "./live-connection-listener.ts";

/** An attempt that failed on a connection in service. */
export interface FailedCall<S> {
  readonly subchannel: S;
  readonly live: LiveConnection;
  readonly failure: Failure;
  readonly request: AttemptedRequest;
}

/** Told of subchannels' lives: the pool. `S` is the subchannel, which the contract need not know. */
export interface SubchannelListener<S> {
  /** After the change. Policies are told at the end of the tick; the picker skips what is not ready at once. */
  onStateChanged(subchannel: S, from: ConnectivityState, failure: Failure | undefined): void;
  /** A call ended, or a connection came: one more call may start. `wasFull`: none could until now. */
  onCapacity(subchannel: S, wasFull: boolean): void;
  /** The limits of its connections are reached: no further call may start. */
  onFull(subchannel: S): void;
  /** A connection in service is asked by PING whether its peer lives. */
  onSuspected(subchannel: S, live: LiveConnection, reason: SuspectReason): void;
  /** A call timed out on a connection in service, and no PING may ask now whether the peer lives. */
  onUnanswered(subchannel: S, live: LiveConnection): void;
  /** The peer of a connection in service answered the PING. */
  onCleared(subchannel: S, live: LiveConnection): void;
  /** An attempt on a connection in service failed. */
  onCallFailed(call: FailedCall<S>): void;
  /** The peer of a connection in service said GOAWAY. */
  onGoaway(subchannel: S, goaway: GoawayNotice): void;
  /** The backend complained, for the first time, of too many PINGs: no connection may ask more often than this. */
  onTooManyPings(minPaceMs: number): void;
  /** A connection could not be replaced before its age: it goes on, and is tried again. */
  onRenewalFailed(subchannel: S, live: LiveConnection, failure: Failure): void;
  /**
   * A connection came into service: the first, before the state changes, or a further one, in place of `elder` if there is
   * one, which is about to leave.
   */
  onEntered(subchannel: S, live: LiveConnection, elder: LiveConnection | undefined): void;
  /**
   * A connection is out of service, whatever the reason. If it was the last one, the state is about to change; else the
   * others go on. With a failure, it was lost.
   */
  onLeft(subchannel: S, live: LiveConnection, failure: Failure | undefined): void;
  /** A connection that is out of service may still carry calls: whoever hears it takes it over. */
  onRetired(subchannel: S, live: LiveConnection, reason: RetireReason): void;
  /** From its next change on the subchannel waits for a call to wake it before it can be dialled again. */
  onResting(): void;
}
