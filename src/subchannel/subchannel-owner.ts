import type { ConnectivityState } from "../base/connectivity-state.ts";
import type { Failure } from "../base/errors.ts";
import type { Connector } from "../http2/connection.ts";
import type { BackoffOptions } from "../runtime/backoff.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { GoawayNotice, LiveConnection, LiveConnectionOptions, SuspectReason } from "./live-connection.ts";

/** Why a connection was taken out of service while calls may still be open on it. */
export type RetireReason = "removed" | "max-age" | "goaway" | "replaced" | "closing";

/** What subchannels share. */
export interface SubchannelOptions {
  readonly connector: Connector;
  readonly runtime: Runtime;
  readonly reconnectBackoff: BackoffOptions;
  readonly live: LiveConnectionOptions;
  /** ± 10 %; `Infinity`: never. */
  readonly maxConnectionAgeMs: number;
}

/** A subchannel, as its owner is told of it. */
export interface OwnedSubchannel {
  readonly id: string;
  readonly state: ConnectivityState;
  /** The connection in service, if there is one. */
  readonly live: LiveConnection | undefined;
}

/** The pool, as its subchannels see it. */
export interface SubchannelOwner {
  /** The least time between two PINGs on any connection, by what servers have demanded (gRFC A8). 0: nothing. */
  readonly minPingPaceMs: number;
  /** No call has come since a subchannel went to rest: what nobody waits for is not dialled. */
  readonly resting: boolean;
  /** After the change. Policies are told at the end of the tick; the picker skips what is not ready at once. */
  subchannelChanged(subchannel: OwnedSubchannel, from: ConnectivityState, failure: Failure | undefined): void;
  /** A call ended, or a successor took over: one more call may start. `wasFull`: none could until now. */
  subchannelCapacity(subchannel: OwnedSubchannel, wasFull: boolean): void;
  /** Its peer's limit is reached: no further call may start. */
  subchannelFull(subchannel: OwnedSubchannel): void;
  /** Suspicion of the connection in service begins: it is asked by PING whether it lives. */
  subchannelSuspect(subchannel: OwnedSubchannel, reason: SuspectReason): void;
  /** A call timed out, and no PING may ask now whether the peer lives. */
  subchannelUnanswered(subchannel: OwnedSubchannel): void;
  /** Suspicion is over while the state stays ready: the peer lives, or a successor took the connection's place. */
  subchannelCleared(subchannel: OwnedSubchannel): void;
  /** The connection could not be replaced before its age: it goes on, and is tried again. */
  renewalFailed(subchannel: OwnedSubchannel, failure: Failure): void;
  /** The backend complained, for the first time, of too many PINGs: no connection may ask more often than this. */
  slowDownPings(minPaceMs: number): void;
  /** Takes over a connection that has left service: it may still carry calls. */
  connectionRetired(subchannel: OwnedSubchannel, live: LiveConnection, reason: RetireReason): void;
  goawayReceived(subchannel: OwnedSubchannel, goaway: GoawayNotice): void;
  /** From its next change on the subchannel waits for a call to wake it before it can be dialled again. */
  subchannelResting(): void;
}
