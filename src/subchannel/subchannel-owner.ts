import type { ConnectivityState } from "../connectivity-state.ts";
import type { Failure } from "../errors.ts";
import type { Connector } from "../http2/connection.ts";
import type { BackoffOptions } from "../runtime/backoff.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { GoawayNotice, LiveConnection, LiveConnectionOptions, SuspectReason } from "./live-connection.ts";
import type { Subchannel } from "./subchannel.ts";

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

/** The pool, as its subchannels see it. */
export interface SubchannelOwner {
  /** How often the servers have complained of too many PINGs: each time new connections ask half as often (gRFC A8). */
  readonly pingSlowdowns: number;
  /** After the change. Policies are told at the end of the tick; the picker skips what is not ready at once. */
  subchannelChanged(subchannel: Subchannel, from: ConnectivityState, failure: Failure | undefined): void;
  /** A call ended, or a successor took over: one more call may start. */
  subchannelCapacity(): void;
  /** The connection is asked by PING whether it lives. */
  subchannelSuspect(subchannel: Subchannel, reason: SuspectReason): void;
  /** Takes over a connection that has left service: it may still carry calls. */
  connectionRetired(subchannel: Subchannel, live: LiveConnection, reason: RetireReason): void;
  goawayReceived(subchannel: Subchannel, goaway: GoawayNotice): void;
  /** From its next change on the subchannel waits for {@link Subchannel.wake} before it can be dialled again. */
  subchannelResting(): void;
}
