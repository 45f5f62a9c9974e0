import type { ClientHttp2Session, ClientHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import { Code } from "@connectrpc/connect";
import { connectionFailure, type Failure, withProgress } from "../../base/errors.ts";
import { peerText } from "../../base/peer-text.ts";
import { codeOf, describeCause } from "../../base/thrown.ts";
import type { Clock, TimerHandle } from "../../runtime/clock.ts";
import { queueMicrotask } from "../../runtime/microtask.ts";
import type { Connection, ConnectionOwner, HeaderFields, MethodHead, Stream, StreamListener } from "../connection.ts";
import type { Handshake } from "../dial/dial.ts";
import { type Goaway, goawayDebugText, goawayFailure, http2ErrorCode, resetFailure } from "../error-codes.ts";
import { socketBacklogBytes } from "../socket-backlog.ts";
import type { RequestHeaderMaker } from "./node-headers.ts";
import { NodeStream, type StreamHost } from "./node-stream.ts";

/** The largest header block that is sent at all; Node's own limit of 64 KiB would end the whole connection. */
export const maxSendHeaderBlockBytes = 16_777_216;

/** Node announces "no limit" as the largest 32-bit number. */
const noLimit = 2 ** 32 - 1;

/** A connection retires when this share of its 2^31 stream ids is used, as grpc-go does. */
const maxStreamsPerConnection = Math.floor(0.75 * 2 ** 30);

/** How long a connection that has ended on this side waits for its last bytes to leave and for the peer's FIN. */
const lingerMs = 500;

/** The request side stays open until `end`. */
const noOptions = { endStream: false };

/** What the connections of one transport share. */
export interface NodeHttp2Context {
  readonly requestHeaders: RequestHeaderMaker;
  readonly maxHeaderListBytes: number;
  readonly clock: Clock;
}

/** A connection on a session of node:http2. */
export class NodeHttp2Connection implements Connection, StreamHost {
  readonly address: string;
  listener: ConnectionOwner;
  maxConcurrentStreams: number = Number.POSITIVE_INFINITY;
  streamsStarted = 0;
  responsesRead = 0;
  /** The first error of socket or session: why the connection ended. */
  cause: unknown;
  readonly #context: NodeHttp2Context;
  readonly #session: ClientHttp2Session;
  readonly #socket: Socket;
  readonly #streams = new Set<NodeStream>();
  #peerMaxHeaderListBytes = Number.POSITIVE_INFINITY;
  #accepting = true;
  #draining = false;
  #drainingTold = false;
  #closed = false;
  #goaway: Goaway | undefined;
  /** Set by close(): what open streams end with. */
  #closeFailure: Failure | undefined;
  #lingerTimer: TimerHandle | undefined;

  constructor(context: NodeHttp2Context, session: ClientHttp2Session, handshake: Handshake, owner: ConnectionOwner) {
    this.#context = context;
    this.#session = session;
    this.#socket = handshake.socket;
    this.address = handshake.address;
    this.listener = owner;
    handshake.socket.on("error", (error) => this.#noteCause(error));
    session.on("error", (error) => this.#noteCause(error));
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
      return this.#tooManyHeaders(listBytes, listener);
    }
    let http2Stream: ClientHttp2Stream;
    try {
      http2Stream = this.#session.request(headers, noOptions);
    } catch (error) {
      // The session has ended, and its events are still on their way; or Node closed it after a frame it could not send.
      this.#noteCause(error);
      this.#stopAccepting();
      return undefined;
    }
    const stream = new NodeStream(this, http2Stream, listener);
    this.#streams.add(stream);
    if (body !== undefined) stream.end(body);
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
    this.#closeFailure ??= failure;
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

  /**
   * A session that ends resets its streams itself, with CANCEL, with its own code or with NO_ERROR: what a stream's code
   * says counts only while the session lives. REFUSED_STREAM alone can only come from the peer.
   */
  failureOf(streamId: number | undefined, resetCode: number, cause: unknown): Failure | undefined {
    const progress = streamId === undefined ? "unsent" : "unknown";
    if (this.#closeFailure !== undefined) return withProgress(this.#closeFailure, progress);
    const id = streamId ?? Number.POSITIVE_INFINITY;
    const refusedByGoaway = this.#goaway !== undefined && id > this.#goaway.lastStreamId;
    if (resetCode === http2ErrorCode.refusedStream && !refusedByGoaway) return resetFailure(this.address, resetCode);
    if (this.#goaway !== undefined && (refusedByGoaway || this.#session.destroyed)) {
      const failure = goawayFailure(this.address, this.#goaway, id);
      return streamId === undefined ? withProgress(failure, "unsent") : failure;
    }
    if (this.#session.destroyed) return this.#lost(progress, cause);
    if (resetCode === http2ErrorCode.noError) return undefined;
    const failure = { ...resetFailure(this.address, resetCode), cause };
    if (resetCode !== http2ErrorCode.enhanceYourCalm) return failure;
    // Node resets a stream with this code when its headers are too large, and does not tell that from the peer's reset.
    const { maxHeaderListBytes } = this.#context;
    const message = `${failure.message}, or its headers are larger than maxHeaderListBytes ${maxHeaderListBytes}`;
    return { ...failure, message };
  }

  get failureOfUnsent(): Failure | undefined {
    if (this.#goaway === undefined) return undefined;
    return withProgress(goawayFailure(this.address, this.#goaway, Number.POSITIVE_INFINITY), "unsent");
  }

  afterInput(callback: () => void): void {
    this.#context.clock.afterInput(callback);
  }

  /** A server that drops its connections (session.destroy() of Node's) sends such resets ahead of its GOAWAY and FIN. */
  failureOfBareReset(judged: (failure: Failure | undefined) => void): void {
    this.#context.clock.afterInput(() => {
      const isEnding = this.#session.destroyed || this.#goaway !== undefined;
      judged(isEnding ? (this.#closeFailure ?? this.#lost("unknown")) : undefined);
    });
  }

  #tooManyHeaders(listBytes: number, listener: StreamListener): Stream {
    const limit = Math.min(this.#peerMaxHeaderListBytes, maxSendHeaderBlockBytes);
    const message = `the request headers have ${listBytes} bytes, and the server accepts ${limit}`;
    const failure: Failure = {
      kind: "invalid-request",
      code: Code.ResourceExhausted,
      progress: "unsent",
      message,
      address: this.address,
    };
    let isOpen = true;
    queueMicrotask(() => {
      if (isOpen) listener.onClosed(failure);
    });
    const reset = () => {
      isOpen = false;
    };
    return { ...unsentStream, reset };
  }

  /** A session that Node gives up tells its streams why before it tells anyone else. */
  #lost(progress: "unsent" | "unknown", ofStream?: unknown): Failure {
    const cause = this.cause ?? (isOfNghttp2(ofStream) ? ofStream : undefined);
    const why = cause === undefined ? "the peer closed it" : peerText(describeCause(cause));
    return connectionFailure("connection-lost", this.address, progress, `the connection was lost: ${why}`, cause);
  }

  #noteCause(cause: unknown): void {
    this.cause ??= cause;
  }

  #stopAccepting(): void {
    this.#accepting = false;
    // Not while request() runs: nothing calls back from inside it.
    queueMicrotask(() => this.#tellDraining());
  }

  #tellDraining(): void {
    if (this.#drainingTold) return;
    this.#drainingTold = true;
    this.listener.onDraining(this.#goaway);
  }

  #onGoaway(goaway: Goaway): void {
    this.#goaway = goaway;
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

  /**
   * Node waits without limit for the last bytes to leave and for the peer's FIN. A peer that has stopped gives neither.
   */
  #lingerIfOver(): void {
    if (this.#accepting || this.#closed || this.#lingerTimer !== undefined) return;
    if (this.#streams.size > 0 && !this.#session.destroyed) return;
    this.#lingerTimer = this.#context.clock.setTimeout(() => this.#socket.destroy(), lingerMs);
  }

  #onSessionClosed(): void {
    this.#accepting = false;
    this.#closed = true;
    this.#context.clock.clearTimeout(this.#lingerTimer);
    for (const stream of this.#streams) stream.closed();
    const failure = this.#closeFailure ?? (this.#goaway === undefined ? this.#lost("unknown") : undefined);
    this.listener.onClosed(failure);
  }
}

/** An error that nghttp2 found in what the peer sent. */
function isOfNghttp2(error: unknown): boolean {
  return codeOf(error) === "ERR_HTTP2_ERROR";
}

/** What `request` returns when its listener is about to hear why nothing was sent. */
const unsentStream: Omit<Stream, "reset"> = {
  write: () => true,
  end: () => undefined,
  pause: () => undefined,
  resume: () => undefined,
};
