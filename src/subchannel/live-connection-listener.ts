import type { Failure } from "../base/errors.ts";
import type { AttemptedRequest } from "./call-connection.ts";

/** What a peer's GOAWAY said: its HTTP/2 error code, and its debug data as text. */
export interface GoawayNotice {
  readonly code: number;
  readonly debug: string;
}

/** Why a connection is asked whether it lives: a call on it timed out, or it was silent for long. */
export type SuspectReason = "deadline" | "silence";

/** Told of a connection's life: by its subchannel's order while it is in service, by the drain's once it is retired. `L`: the connection. */
export interface LiveConnectionListener<L> {
  /** The connection takes no new calls: GOAWAY, or its stream ids ran out (undefined). */
  onDraining(live: L, goaway: GoawayNotice | undefined): void;
  /** It takes no further call until {@link onCapacity}. */
  onFull(live: L): void;
  /** A call ended, or the peer changed how many it allows: one more may start. `wasFull`: none could until now. */
  onCapacity(live: L, wasFull: boolean): void;
  /** The peer allows no streams any more: its MAX_CONCURRENT_STREAMS became 0. */
  onNoStreams(live: L): void;
  onClosed(live: L, failure: Failure | undefined): void;
  /** Suspicion begins: a PING was sent to find out whether the peer lives. */
  onSuspected(live: L, reason: SuspectReason): void;
  /** A call timed out, and no PING may ask now whether the peer lives: it was asked a moment ago. */
  onUnanswered(live: L): void;
  /** Suspicion ends well: the peer lives. */
  onCleared(live: L): void;
  /** Suspicion ends badly: a PING stayed unanswered for `waitedMs`. */
  onSilent(live: L, waitedMs: number): void;
  /** An attempt on it failed. */
  onCallFailed(live: L, failure: Failure, request: AttemptedRequest): void;
  /** No call for `idleConnectionTimeoutMs`. */
  onIdle(live: L): void;
}
