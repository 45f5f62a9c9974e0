import type { Availability } from "../base/availability.ts";
import type { Failure } from "../base/errors.ts";
import type {
  Connection,
  ConnectionListener,
  HeaderFields,
  MethodHead,
  Stream,
  StreamListener,
} from "../http2/connection.ts";
import { Keepalive, type KeepaliveListener } from "../http2/keepalive.ts";
import { inBackground } from "../runtime/background.ts";
import { uniqueId } from "../runtime/unique-id.ts";
import type { AttemptedRequest, CallConnection } from "./call-connection.ts";
import { IdleConnectionWatch } from "./idle-connection-watch.ts";
import type { LiveConnectionContext } from "./live-connection-context.ts";
import type { GoawayNotice, LiveConnectionListener, SuspectReason } from "./live-connection-listener.ts";
import { OwnStreams } from "./own-streams.ts";

/** What a connection's peer says of itself. */
export type Health = "unknown" | "healthy" | "unhealthy";

/** A connection that stayed ready this long has proven its backend, as one that answered a call has. */
const provenAfterMs = 10_000;

/** A connection with what belongs to its life in service: keepalive, idle watch, age, and who is told of it at present. */
export class LiveConnection implements CallConnection, ConnectionListener, KeepaliveListener {
  readonly id: number = uniqueId();
  readonly connection: Connection;
  readonly address: string;
  listener: LiveConnectionListener<LiveConnection>;
  readonly readySinceMs: number;
  /** When rotation should replace it, in clock time. */
  expiresAtMs: number = Number.POSITIVE_INFINITY;
  /** It left a call or a PING unanswered. Decided in availability/, as {@link health}. */
  isSuspect = false;
  /** How often it became a suspect. */
  suspicions = 0;
  /** `unknown`: it is to be asked, and has not said. Without a health check all are healthy. */
  health: Health = "healthy";
  readonly ownStreams: OwnStreams;
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
    listener: LiveConnectionListener<LiveConnection>,
  ) {
    const { options, beats, runtime } = context;
    const { clock } = runtime;
    this.connection = connection;
    this.address = address;
    this.ownStreams = new OwnStreams(connection, address);
    this.listener = listener;
    this.#context = context;
    this.readySinceMs = clock.now();
    connection.listener = this;
    this.#keepalive = new Keepalive(connection, options.keepalive, { clock, beat: beats.keepalive }, this);
    const idleness = { clock, beat: beats.idleness };
    this.#idleWatch = new IdleConnectionWatch(this, options.idleConnectionTimeoutMs, idleness, () =>
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
    return this.connection.openStreams - this.ownStreams.size;
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
    const { counters, record } = this.#context;
    counters.callsStarted++;
    if (record.probation !== undefined) record.probation.started();
    return stream;
  }

  /** The same for a request that is no call: {@link openCalls} does not count it. */
  requestOwn(...[head, fields, body, listener]: Parameters<CallConnection["request"]>): Stream | undefined {
    return this.ownStreams.open(listener, (own) => this.#request(head, fields, body, own));
  }

  /** Calls go to other connections while one of them is usable. */
  get availability(): Exclude<Availability, "ejected"> {
    if (this.health !== "healthy") return "unhealthy";
    return this.isSuspect ? "suspect" : "usable";
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

  noteEnd(failure: Failure | undefined, request: AttemptedRequest): void {
    const { record, counters } = this.#context;
    if (failure === undefined) {
      this.callsSucceeded++;
      counters.callsSucceeded++;
      record.answer(request.method);
    } else {
      this.callsFailed++;
      counters.callsFailed++;
      this.listener.onCallFailed(this, failure, request);
    }
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

  /** It replaces `elder`. */
  inheritIdleness(elder: LiveConnection): void {
    this.#idleWatch.inherit(elder.#idleWatch);
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

  onDraining(goaway: GoawayNotice | undefined): void {
    this.listener.onDraining(this, goaway);
  }

  onCapacity(): void {
    const { connection } = this;
    this.ownStreams.limitChanged();
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

  onSuspected(reason: SuspectReason): void {
    this.pingsSent++;
    this.listener.onSuspected(this, reason);
  }

  onCleared(): void {
    this.#context.observer.pingAnswered();
    this.listener.onCleared(this);
  }

  onSilent(waitedMs: number): void {
    this.#context.observer.pingUnanswered(this.#context.backend, waitedMs);
    this.listener.onSilent(this, waitedMs);
  }

  onClosed(failure: Failure | undefined): void {
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
