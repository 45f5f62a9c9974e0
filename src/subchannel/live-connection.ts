import type { Availability } from "../base/availability.ts";
import type { Failure } from "../base/errors.ts";
import type { Connection, HeaderFields, MethodHead, Stream, StreamListener } from "../http2/connection.ts";
import { Keepalive, type KeepaliveOptions } from "../http2/keepalive.ts";
import type { ConnectionObserver } from "../observe/connection-observer.ts";
import { inBackground } from "../runtime/background.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { uniqueId } from "../runtime/unique-id.ts";
import type { BackendCounters, CallConnection } from "./call-connection.ts";
import { IdleConnectionWatch } from "./idle-connection-watch.ts";

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
  /** The backend's id. */
  readonly backend: string;
  readonly options: LiveConnectionOptions;
  readonly counters: BackendCounters;
  readonly observer: ConnectionObserver;
  readonly runtime: Runtime;
}

/** A connection that stayed ready this long has proven its backend, as one that answered a call has. */
const provenAfterMs = 10_000;

/** A connection with what belongs to its life in service: keepalive, idle watch, age, and who is told of it at present. */
export class LiveConnection implements CallConnection {
  readonly id: number = uniqueId();
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
  callsSucceeded = 0;
  callsFailed = 0;
  messagesSent = 0;
  messagesReceived = 0;
  /** PINGs that asked whether the peer lives. */
  pingsSent = 0;
  readonly #context: LiveConnectionContext;
  readonly #keepalive: Keepalive;
  readonly #idleWatch: IdleConnectionWatch;
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
    const { backend, options, observer, runtime } = context;
    const { clock } = runtime;
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
      onSuspected: (reason) => {
        this.pingsSent++;
        this.listener.onSuspected(this, reason);
      },
      onCleared: () => {
        observer.pingAnswered();
        this.listener.onCleared(this);
      },
      onSilent: (waitedMs) => {
        observer.pingUnanswered(backend, waitedMs);
        this.listener.onSilent(this, waitedMs);
      },
    });
    this.#idleWatch = new IdleConnectionWatch(this, options.idleConnectionTimeoutMs, clock, () =>
      this.listener.onIdle(this),
    );
  }

  /**
   * What is free counts once the connection has said so: a slot that a call leaves is offered to the calls that wait
   * before a newcomer can take it.
   */
  get hasRoom(): boolean {
    return !this.#full && this.connection.hasRoom;
  }

  get openCalls(): number {
    return this.connection.openStreams;
  }

  request(
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
    if (stream === undefined) return undefined;
    this.calls++;
    this.#context.counters.callsStarted++;
    return stream;
  }

  /** True once it answered a call. */
  get answered(): boolean {
    return this.#answered;
  }

  /** It has shown that its backend works: it answered a call, or stayed ready for ten seconds. */
  get isProven(): boolean {
    return this.#answered || this.#context.runtime.clock.now() - this.readySinceMs >= provenAfterMs;
  }

  noteAnswer(): void {
    if (this.#answered) return;
    this.#answered = true;
    this.#judge();
  }

  noteSuccess(): void {
    this.callsSucceeded++;
    this.#context.counters.callsSucceeded++;
  }

  noteFailure(): void {
    this.callsFailed++;
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
    }, this.#context.runtime);
  }

  /** The time between PINGs that a server wants which complains of too many. */
  get slowerPingPaceMs(): number {
    return this.#keepalive.slowerPaceMs;
  }

  slowDownPingsTo(paceMs: number): void {
    this.#keepalive.slowDownTo(paceMs);
  }

  /** It replaces one that has been without calls for a while: that time goes on, or no connection would ever be idle. */
  inheritIdleness(elder: LiveConnection): void {
    this.#idleWatch.inherit(elder.#idleWatch);
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
    if (this.#onVerdict !== undefined && connection.openStreams === 0) this.#judge();
  }

  #ended(failure: Failure | undefined): void {
    this.#closed = true;
    this.#keepalive.stop();
    this.#idleWatch.stop();
    this.listener.onClosed(this, failure);
    this.#judge();
  }

  #judge(): void {
    const onVerdict = this.#onVerdict;
    this.#onVerdict = undefined;
    onVerdict?.(this.#answered);
  }
}
