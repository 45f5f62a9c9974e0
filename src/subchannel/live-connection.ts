import type { Failure } from "../base/errors.ts";
import type { Connection, HeaderFields, MethodHead, Stream, StreamListener } from "../http2/connection.ts";
import { Keepalive, type KeepaliveOptions } from "../http2/keepalive.ts";
import { inBackground } from "../runtime/background.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Availability } from "./backend.ts";
import type { BackendCounters, CallConnection } from "./call-connection.ts";
import { Idleness } from "./idleness.ts";
import { OwnStreams } from "./own-streams.ts";

/** What a peer's GOAWAY said: its HTTP/2 error code, and its debug data as text. */
export interface GoawayNotice {
  readonly code: number;
  readonly debug: string;
}

/** Why a connection is asked whether it lives: a call on it timed out, or it was silent for long. */
export type SuspectReason = "deadline" | "silence";

/** Told of a connection's life: by its subchannel's order while it is in service, by the drain's once it is retired. */
export interface LiveConnectionListener {
  /** The connection takes no new calls: GOAWAY, or its stream ids ran out (undefined). */
  onDraining(live: LiveConnection, goaway: GoawayNotice | undefined): void;
  /** It takes no further call until {@link onCapacity}. */
  onFull(live: LiveConnection): void;
  /** A call ended, or the peer changed how many it allows: one more may start. `wasFull`: none could until now. */
  onCapacity(live: LiveConnection, wasFull: boolean): void;
  /** The peer allows no streams any more: its MAX_CONCURRENT_STREAMS became 0. */
  onNoStreams(live: LiveConnection): void;
  onClosed(live: LiveConnection, failure: Failure | undefined): void;
  /** Suspicion begins: a PING was sent to find out whether the peer lives. */
  onSuspected(live: LiveConnection, reason: SuspectReason): void;
  /** A call timed out, and no PING may ask now whether the peer lives: it was asked a moment ago. */
  onUnanswered(live: LiveConnection): void;
  /** Suspicion ends well: the peer lives. */
  onCleared(live: LiveConnection): void;
  /** Suspicion ends badly: a PING stayed unanswered for `waitedMs`. */
  onSilent(live: LiveConnection, waitedMs: number): void;
  /** No call for `idleConnectionTimeoutMs`. */
  onIdle(live: LiveConnection): void;
}

/** How a connection in service is watched. */
export interface LiveConnectionOptions {
  readonly keepalive: KeepaliveOptions;
  /** Close after this long without a call. `Infinity`: never. */
  readonly idleConnectionTimeoutMs: number;
}

/** What the connections of one backend share. */
export interface LiveConnectionContext {
  readonly options: LiveConnectionOptions;
  readonly counters: BackendCounters;
  readonly clock: Clock;
}

/** A connection that stayed ready this long has proven its backend, as one that answered a call has. */
const provenAfterMs = 10_000;

/** A connection with what belongs to its life in service: keepalive, idle watch, age, and who is told of it at present. */
export class LiveConnection implements CallConnection {
  readonly connection: Connection;
  readonly address: string;
  listener: LiveConnectionListener;
  readonly readySinceMs: number;
  /** When rotation should replace it, in clock time. */
  expiresAtMs: number = Number.POSITIVE_INFINITY;
  /** Decided in availability/: calls go to other connections while one of them is usable. */
  availability: Availability = "usable";
  /** Calls started on it. */
  calls = 0;
  readonly #context: LiveConnectionContext;
  readonly #keepalive: Keepalive;
  readonly #idleness: Idleness;
  readonly #ownStreams = new OwnStreams();
  /** The peer's limit of streams was reached, and the connection has not said since that a stream ended. */
  #full = false;
  #answered = false;
  #onVerdict: ((answered: boolean) => void) | undefined;
  #closed = false;

  constructor(
    connection: Connection,
    address: string,
    context: LiveConnectionContext,
    listener: LiveConnectionListener,
  ) {
    const { options, clock } = context;
    this.connection = connection;
    this.address = address;
    this.listener = listener;
    this.#context = context;
    this.readySinceMs = clock.now();
    connection.listener = {
      onDraining: (goaway) => this.listener.onDraining(this, goaway),
      onCapacity: () => this.#capacityChanged(),
      onClosed: (failure) => this.#ended(failure),
    };
    this.#keepalive = new Keepalive(connection, options.keepalive, clock, {
      onSuspected: (reason) => this.listener.onSuspected(this, reason),
      onCleared: () => this.listener.onCleared(this),
      onSilent: (waitedMs) => this.listener.onSilent(this, waitedMs),
    });
    this.#idleness = new Idleness(this, options.idleConnectionTimeoutMs, clock, () => this.listener.onIdle(this));
  }

  /**
   * What is free counts once the connection has said so: a slot that a call leaves is offered to the calls that wait
   * before a newcomer can take it.
   */
  get hasRoom(): boolean {
    return !this.#full && this.connection.hasRoom;
  }

  get openCalls(): number {
    return this.connection.openStreams - this.#ownStreams.size;
  }

  request(
    head: MethodHead,
    fields: HeaderFields,
    body: Uint8Array | undefined,
    listener: StreamListener,
  ): Stream | undefined {
    const stream = this.#request(head, fields, body, listener);
    if (stream === undefined) return undefined;
    this.calls++;
    this.#context.counters.callsStarted++;
    return stream;
  }

  /** The same for a request that is no call: {@link openCalls} does not count it, and {@link leave} ends it. */
  requestOwn(
    head: MethodHead,
    fields: HeaderFields,
    body: Uint8Array | undefined,
    listener: StreamListener,
  ): Stream | undefined {
    return this.#ownStreams.open(listener, (own) => this.#request(head, fields, body, own));
  }

  /** It is out of service, because of `failure`. Calls may still be open. */
  leave(failure: Failure): void {
    this.#ownStreams.endAll(failure);
  }

  /** True once it answered a call. */
  get answered(): boolean {
    return this.#answered;
  }

  /** It has shown that its backend works: it answered a call, or stayed ready for ten seconds. */
  get isProven(): boolean {
    return this.#answered || this.#context.clock.now() - this.readySinceMs >= provenAfterMs;
  }

  noteAnswer(): void {
    if (this.#answered) return;
    this.#answered = true;
    this.#judge();
  }

  noteFailure(): void {
    this.#context.counters.callsFailed++;
  }

  /**
   * Of a connection that takes no more calls and has answered none: calls `callback` with true at its first answer, or
   * with false once no call is open any more.
   */
  whenJudged(callback: (answered: boolean) => void): void {
    this.#onVerdict = callback;
  }

  suspect(): void {
    if (this.#closed) return;
    inBackground(() => {
      this.#keepalive.suspect();
      if (!this.#keepalive.isSuspicious) this.listener.onUnanswered(this);
    });
  }

  /** The time between PINGs that a server wants which complains of too many. */
  get slowerPingPaceMs(): number {
    return this.#keepalive.slowerPaceMs;
  }

  slowDownPingsTo(paceMs: number): void {
    this.#keepalive.slowDownTo(paceMs);
  }

  /** It replaces `elder`. */
  inheritIdleness(elder: LiveConnection): void {
    this.#idleness.inherit(elder.#idleness);
  }

  #request(
    head: MethodHead,
    fields: HeaderFields,
    body: Uint8Array | undefined,
    listener: StreamListener,
  ): Stream | undefined {
    const { connection } = this;
    const stream = connection.request(head, fields, body, listener);
    if (!connection.hasRoom && !this.#full) {
      this.#full = true;
      this.listener.onFull(this);
    }
    return stream;
  }

  #capacityChanged(): void {
    const { connection } = this;
    if (connection.maxConcurrentStreams === 0) {
      this.listener.onNoStreams(this);
    } else {
      const wasFull = this.#full;
      this.#full = !connection.hasRoom;
      if (!this.#full) this.listener.onCapacity(this, wasFull);
      else if (!wasFull) this.listener.onFull(this);
    }
    if (this.#onVerdict !== undefined && this.openCalls === 0) this.#judge();
  }

  #ended(failure: Failure | undefined): void {
    this.#closed = true;
    this.#keepalive.stop();
    this.#idleness.stop();
    this.listener.onClosed(this, failure);
    this.#judge();
  }

  #judge(): void {
    const onVerdict = this.#onVerdict;
    this.#onVerdict = undefined;
    onVerdict?.(this.#answered);
  }
}
