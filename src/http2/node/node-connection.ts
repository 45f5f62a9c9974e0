import type { ClientHttp2Session, ClientHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import { connectionFailure, type Failure } from "../../base/errors.ts";
import { noSocketFacts, type SocketFacts } from "../../observe/socket-facts.ts";
import type { Clock, TimerHandle } from "../../runtime/clock.ts";
import { queueMicrotask } from "../../runtime/microtask.ts";
import type {
  Connection,
  ConnectionListener,
  HeaderFields,
  MethodHead,
  Stream,
  StreamListener,
} from "../connection.ts";
import type { Handshake } from "../dial/dial.ts";
import { type Goaway, goawayDebugText } from "../error-codes.ts";
import { maxStreamsPerConnection } from "../limits.ts";
import { OversizedRequest } from "../oversized-request.ts";
import { socketBacklogBytes } from "../socket-backlog.ts";
import { NodeFailures } from "./node-failures.ts";
import { maxSendHeaderBlockBytes, type RequestHeaderMaker } from "./node-headers.ts";
import { NodeStream, type StreamConnection } from "./node-stream.ts";

/** Node announces "no limit" as the largest 32-bit number. */
const noLimit = 2 ** 32 - 1;

/** How long a connection that has ended on this side waits for its last bytes to leave and for the peer's FIN. */
const lingerMs = 500;

const withBody = { endStream: false };
const withoutBody = { endStream: true };

/** What the connections of one transport share. */
export interface NodeHttp2Context {
  readonly requestHeaders: RequestHeaderMaker;
  readonly maxHeaderListBytes: number;
  readonly clock: Clock;
}

/** A connection on a session of node:http2. */
export class NodeHttp2Connection implements Connection, StreamConnection {
  readonly address: string;
  listener: ConnectionListener;
  socketFacts: SocketFacts = noSocketFacts;
  maxConcurrentStreams: number = Number.POSITIVE_INFINITY;
  streamsStarted = 0;
  responsesRead = 0;
  readonly ownPings = 0;
  readonly #context: NodeHttp2Context;
  readonly #session: ClientHttp2Session;
  readonly #socket: Socket;
  readonly #streams = new Set<NodeStream>();
  readonly #failures: NodeFailures;
  #peerMaxHeaderListBytes = Number.POSITIVE_INFINITY;
  #accepting = true;
  #draining = false;
  #drainingTold = false;
  #closed = false;
  #lingerTimer: TimerHandle | undefined;

  constructor(
    context: NodeHttp2Context,
    session: ClientHttp2Session,
    handshake: Handshake,
    listener: ConnectionListener,
  ) {
    this.#context = context;
    this.#session = session;
    this.#socket = handshake.socket;
    this.address = handshake.address;
    this.listener = listener;
    this.#failures = new NodeFailures(handshake.address, session, context.maxHeaderListBytes);
    handshake.socket.on("error", (error) => this.#failures.noteCause(error));
    session.on("error", (error) => this.#failures.noteCause(error));
    session.on("remoteSettings", ({ maxConcurrentStreams = noLimit, maxHeaderListSize = noLimit }) => {
      this.maxConcurrentStreams = maxConcurrentStreams === noLimit ? Number.POSITIVE_INFINITY : maxConcurrentStreams;
      this.#peerMaxHeaderListBytes = maxHeaderListSize;
      if (this.#streams.size > this.maxConcurrentStreams) this.#giveBackHeld();
      this.listener.onCapacity();
    });
    session.on("goaway", (code, lastStreamId, data) => {
      this.#onGoaway({ code, lastStreamId, debug: goawayDebugText(data) });
    });
    session.once("close", () => this.#onSessionClosed());
  }

  /** Why it ended, as far as socket and session tell. */
  get cause(): unknown {
    return this.#failures.cause;
  }

  get hasRoom(): boolean {
    return this.#accepting && this.#streams.size < this.maxConcurrentStreams;
  }

  get openStreams(): number {
    return this.#streams.size;
  }

  get bytesRead(): number {
    // A Duplex from createConnection does not count: then only the answer to a PING is an answer.
    return this.#socket.bytesRead ?? 0;
  }

  get bytesWritten(): number {
    return (this.#socket.bytesWritten ?? 0) - socketBacklogBytes(this.#socket);
  }

  get isBlocked(): boolean {
    return socketBacklogBytes(this.#socket) > 0;
  }

  request(
    head: MethodHead,
    fields: HeaderFields,
    body: Uint8Array | undefined,
    listener: StreamListener,
  ): Stream | undefined {
    if (!this.hasRoom) return undefined;
    const { headers, listBytes } = this.#context.requestHeaders.make(head, fields);
    if (listBytes > this.#peerMaxHeaderListBytes || listBytes > maxSendHeaderBlockBytes) {
      const limitBytes = Math.min(this.#peerMaxHeaderListBytes, maxSendHeaderBlockBytes);
      return new OversizedRequest(listener, this.address, listBytes, limitBytes);
    }
    let http2Stream: ClientHttp2Stream;
    try {
      http2Stream = this.#session.request(headers, head.httpMethod === "GET" ? withoutBody : withBody);
    } catch (error) {
      // The session has ended, and its events are still on their way; or Node closed it after a frame it could not send.
      this.#failures.noteCause(error);
      this.#stopAccepting();
      return undefined;
    }
    const stream = new NodeStream(this, http2Stream, listener);
    this.#streams.add(stream);
    if (body !== undefined && head.httpMethod !== "GET") stream.end(body);
    if (++this.streamsStarted === maxStreamsPerConnection) {
      this.#stopAccepting();
      this.drain();
    }
    return stream;
  }

  ping(onAnswer: () => void): void {
    if (this.#session.destroyed) return;
    this.#session.ping((error) => {
      if (error === null) onAnswer();
    });
  }

  drain(): void {
    this.#accepting = false;
    this.#draining = true;
    this.#giveBackHeld();
    this.#closeIfDrained();
    this.#lingerIfOver();
  }

  close(failure: Failure): void {
    this.#accepting = false;
    this.#failures.closedWith ??= failure;
    if (!this.#session.destroyed) this.#session.destroy();
    this.#lingerIfOver();
  }

  /**
   * Requests that wait within nghttp2 may find room elsewhere, and may never find it here. Later: Node sends what was
   * requested in this turn of the event loop at its end, and nghttp2 may be receiving now.
   */
  #giveBackHeld(): void {
    this.#context.clock.afterInput(() => {
      const message =
        "the request did not leave: the server lowered MAX_CONCURRENT_STREAMS, or the connection was retired";
      const failure = connectionFailure("connection-lost", this.address, "unsent", message);
      for (const stream of [...this.#streams]) stream.giveBack(failure);
    });
  }

  streamClosed(stream: NodeStream): void {
    if (!this.#streams.delete(stream)) return;
    if (this.#session.destroyed) this.#accepting = false;
    this.#closeIfDrained();
    this.#lingerIfOver();
    this.listener.onCapacity();
  }

  failureOf(streamId: number | undefined, resetCode: number, cause: unknown): Failure | undefined {
    return this.#failures.ofStream(streamId, resetCode, cause);
  }

  get failureOfUnsent(): Failure | undefined {
    return this.#failures.ofUnsent;
  }

  afterInput(callback: () => void): void {
    this.#context.clock.afterInput(callback);
  }

  failureOfBareReset(judged: (failure: Failure | undefined) => void): void {
    this.#context.clock.afterInput(() => judged(this.#failures.ofBareReset));
  }

  #stopAccepting(): void {
    this.#accepting = false;
    // Not while request() runs: nothing calls back from inside it.
    queueMicrotask(() => this.#tellDraining());
  }

  #tellDraining(): void {
    if (this.#drainingTold) return;
    this.#drainingTold = true;
    this.listener.onDraining(this.#failures.goaway);
  }

  #onGoaway(goaway: Goaway): void {
    this.#failures.goaway = goaway;
    this.#accepting = false;
    this.#tellDraining();
    // Later: streams that have not left hear so in events that are still to come.
    this.#context.clock.afterInput(() => {
      // Node leaves streams above the last id pending until the socket closes.
      for (const stream of this.#streams) stream.refuseAbove(goaway.lastStreamId);
      this.#lingerIfOver();
    });
  }

  /**
   * Only now: `session.close()` says GOAWAY at once, ahead of the HEADERS of streams that began in this tick, and a
   * server that answers with its own (golang.org/x/net/http2 does) then refuses them.
   */
  #closeIfDrained(): void {
    if (this.#draining && this.#streams.size === 0 && !this.#session.closed) this.#session.close();
  }

  /** Node waits without limit for the last bytes to leave and for the peer's FIN. A peer that has stopped gives neither. */
  #lingerIfOver(): void {
    if (this.#accepting || this.#closed || this.#lingerTimer !== undefined) return;
    if (this.#streams.size > 0 && !this.#session.destroyed) return;
    this.#lingerTimer = this.#context.clock.setTimeout(() => this.#socket.destroy(), lingerMs);
  }

  #onSessionClosed(): void {
    this.#accepting = false;
    this.#closed = true;
    this.#context.clock.clearTimeout(this.#lingerTimer);
    for (const stream of this.#streams) stream.onClosed();
    this.listener.onClosed(this.#failures.ofConnection);
  }
}
