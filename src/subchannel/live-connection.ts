import type { Failure } from "../base/errors.ts";
import type {
  Connection,
  ConnectionListener,
  HeaderFields,
  MethodHead,
  Stream,
  StreamListener,
} from "../http2/connection.ts";
import { Keepalive, type KeepaliveOptions } from "../http2/keepalive.ts";
import { inBackground } from "../runtime/background.ts";
import type { Clock, TimerHandle } from "../runtime/clock.ts";

import type { BackendCounters, CallConnection } from "./call-connection.ts";

/** What a peer's GOAWAY said: its HTTP/2 error code, and its debug data as text. */
export interface GoawayNotice {
  readonly code: number;
  readonly debug: string;
}

/** Why a connection is asked whether it lives: a call on it timed out, or it was silent for long. */
export type SuspectReason = "deadline" | "silence";

/** Who answers for a live connection now: its subchannel while it is in service, the drain once it is retired. */
export interface LiveConnectionHolder {
  /** The connection takes no new calls: GOAWAY, or its stream ids ran out (undefined). */
  connectionDraining(live: LiveConnection, goaway: GoawayNotice | undefined): void;
  /** It takes no further call until {@link connectionCapacity}. */
  connectionFull(live: LiveConnection): void;
  /** A call ended, or the peer changed how many it allows. */
  connectionCapacity(live: LiveConnection): void;
  connectionClosed(live: LiveConnection, failure: Failure | undefined): void;
  /** Suspicion begins: a PING was sent to find out whether the peer lives. */
  connectionSuspected(live: LiveConnection, reason: SuspectReason): void;
  /** A call timed out, and no PING may ask now whether the peer lives: it was asked a moment ago. */
  connectionUnanswered(live: LiveConnection): void;
  /** Suspicion ends well: the peer lives. */
  connectionCleared(live: LiveConnection): void;
  /** Suspicion ends badly: a PING stayed unanswered for `waitedMs`. */
  connectionSilent(live: LiveConnection, waitedMs: number): void;
  /** No call for `idleConnectionTimeoutMs`. */
  connectionIdle(live: LiveConnection): void;
}

/** How a connection in service is watched. */
export interface LiveConnectionOptions {
  readonly keepalive: KeepaliveOptions;
  /** Close after this long without a call. `Infinity`: never. */
  readonly idleConnectionTimeoutMs: number;
}

/** Idleness is looked for this often per timeout: a connection closes at most this share late. */
const idleChecksPerTimeout = 10;

/** A connection with what belongs to its life in service: keepalive, idle watch, age, and its present holder. */
export class LiveConnection implements ConnectionListener, CallConnection {
  readonly address: string;
  holder: LiveConnectionHolder;
  /** When rotation should replace it, in clock time. */
  expiresAtMs: number = Number.POSITIVE_INFINITY;
  readySinceMs = 0;
  /** Calls started on it. */
  calls = 0;
  readonly #counters: BackendCounters;
  readonly #clock: Clock;
  readonly #options: LiveConnectionOptions;
  #answered = false;
  #onVerdict: ((answered: boolean) => void) | undefined;
  #connection: Connection | undefined;
  #keepalive: Keepalive | undefined;
  #idleTimer: TimerHandle | undefined;
  #idleSinceMs = 0;
  #callsSeen = 0;
  #ended = false;

  constructor(
    address: string,
    counters: BackendCounters,
    holder: LiveConnectionHolder,
    options: LiveConnectionOptions,
    clock: Clock,
  ) {
    this.address = address;
    this.#counters = counters;
    this.holder = holder;
    this.#options = options;
    this.#clock = clock;
  }

  /** Goes into service. Returns false when the connection ended between the dial's success and now. */
  begin(connection: Connection): boolean {
    if (this.#ended) return false;
    this.#connection = connection;
    this.readySinceMs = this.#clock.now();
    this.#keepalive = new Keepalive(connection, this.#options.keepalive, this.#clock, {
      onSuspected: (reason) => this.holder.connectionSuspected(this, reason),
      onCleared: () => this.holder.connectionCleared(this),
      onSilent: (waitedMs) => this.holder.connectionSilent(this, waitedMs),
    });
    this.#idleSinceMs = this.readySinceMs;
    this.#watchIdle();
    return true;
  }

  /** Only of a connection in service. */
  get connection(): Connection {
    return this.#connection as Connection;
  }

  request(
    head: MethodHead,
    fields: HeaderFields,
    body: Uint8Array | undefined,
    listener: StreamListener,
  ): Stream | undefined {
    const { connection } = this;
    const stream = connection.request(head, fields, body, listener);
    if (!connection.hasRoom) this.holder.connectionFull(this);
    if (stream === undefined) return undefined;
    this.calls++;
    this.#counters.callsStarted++;
    return stream;
  }

  /** True once it answered a call. */
  get answered(): boolean {
    return this.#answered;
  }

  noteAnswer(): void {
    if (this.#answered) return;
    this.#answered = true;
    this.#judge();
  }

  noteFailure(): void {
    this.#counters.callsFailed++;
  }

  /**
   * Of a connection that takes no more calls and has answered none: calls `callback` with true at its first answer, or
   * with false once no call is open any more.
   */
  whenJudged(callback: (answered: boolean) => void): void {
    this.#onVerdict = callback;
  }

  /** True from the PING that asks whether the peer lives until its answer. */
  get isSuspect(): boolean {
    return this.#keepalive?.isSuspicious ?? false;
  }

  suspect(): void {
    if (this.#ended) return;
    inBackground(() => {
      this.#keepalive?.suspect();
      if (!this.isSuspect) this.holder.connectionUnanswered(this);
    });
  }

  /** The time between PINGs that a server wants which complains of too many. Only of a connection in service. */
  get slowerPingPaceMs(): number {
    return (this.#keepalive as Keepalive).slowerPaceMs;
  }

  slowDownPingsTo(paceMs: number): void {
    this.#keepalive?.slowDownTo(paceMs);
  }

  /** It replaces one that has been without calls for a while: that time goes on, or no connection would ever be idle. */
  inheritIdleness(elder: LiveConnection): void {
    if (!elder.#isBusy) this.#idleSinceMs = elder.#idleSinceMs;
  }

  onDraining(goaway: GoawayNotice | undefined): void {
    if (this.#connection === undefined) this.#ended = true;
    else this.holder.connectionDraining(this, goaway);
  }

  onCapacity(): void {
    if (this.#connection === undefined) return;
    this.holder.connectionCapacity(this);
    if (this.#onVerdict !== undefined && this.#connection.openStreams === 0) this.#judge();
  }

  onClosed(failure: Failure | undefined): void {
    this.#ended = true;
    this.#keepalive?.stop();
    this.#clock.clearTimeout(this.#idleTimer);
    if (this.#connection !== undefined) this.holder.connectionClosed(this, failure);
    this.#judge();
  }

  #judge(): void {
    const onVerdict = this.#onVerdict;
    this.#onVerdict = undefined;
    onVerdict?.(this.#answered);
  }

  /** True when a call was open since idleness was last looked for. */
  get #isBusy(): boolean {
    return this.calls !== this.#callsSeen || this.connection.openStreams > 0;
  }

  #watchIdle(): void {
    const { idleConnectionTimeoutMs } = this.#options;
    if (idleConnectionTimeoutMs === Number.POSITIVE_INFINITY) return;
    this.#idleTimer = this.#clock.setTimeout(() => {
      const now = this.#clock.now();
      if (this.#isBusy) {
        this.#callsSeen = this.calls;
        this.#idleSinceMs = now;
      }
      this.#watchIdle();
      if (now - this.#idleSinceMs >= idleConnectionTimeoutMs) this.holder.connectionIdle(this);
    }, idleConnectionTimeoutMs / idleChecksPerTimeout);
  }
}
