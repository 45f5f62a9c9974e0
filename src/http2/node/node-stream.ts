import type { ClientHttp2Stream } from "node:http2";
import type { Failure } from "../../base/errors.ts";
import type { HeaderFields, Stream, StreamListener } from "../connection.ts";
import { http2ErrorCode } from "../error-codes.ts";
import { interimFailure, maxInterimResponses } from "../limits.ts";
import { hearDrain, hearEvents, type NodeStreamListener } from "./stream-events.ts";

/** The connection, as its streams see it. */
export interface StreamConnection {
  /** The peer, as failures name it. */
  readonly address: string;
  /** Pieces of responses that came: header blocks and DATA. */
  responsesRead: number;
  /** Why a stream ended that its peer did not end. Undefined: RST_STREAM with NO_ERROR, which is no failure by itself. */
  failureOf(streamId: number | undefined, resetCode: number, cause: unknown): Failure | undefined;
  /** What a stream ends with whose HEADERS could not be sent. Undefined: not because of a GOAWAY. */
  readonly failureOfUnsent: Failure | undefined;
  /** As `failureOf`, later, for a stream that was reset with NO_ERROR: what follows it may tell the reason. */
  failureOfBareReset(judged: (failure: Failure | undefined) => void): void;
  /** Runs `callback` in a turn of the event loop of its own. */
  afterInput(callback: () => void): void;
  /** node:http2 is done with the stream: it no longer counts against the peer's limit. */
  streamClosed(stream: NodeStream): void;
}

/** What nghttp2 calls a stream whose HEADERS have not left: NGHTTP2_STREAM_STATE_IDLE. */
const streamStateIdle = 1;

/** The type of HEADERS, as Node's frameError tells it. */
const headersFrame = 1;

/** END_STREAM in the flags of a HEADERS frame. */
const endStreamFlag = 0x1;

/** One request on a session of node:http2. */
export class NodeStream implements Stream, NodeStreamListener {
  readonly #connection: StreamConnection;
  readonly #stream: ClientHttp2Stream;
  /** Undefined once it has heard the last word. */
  #listener: StreamListener | undefined;
  #error: unknown;
  #awaitsDrain = false;
  #hasHeaders = false;
  #interimResponses = 0;
  /** Data that came before the headers' event. */
  #early: Uint8Array[] | undefined;

  constructor(connection: StreamConnection, stream: ClientHttp2Stream, listener: StreamListener) {
    this.#connection = connection;
    this.#stream = stream;
    this.#listener = listener;
    hearEvents(stream, this);
  }

  write(bytes: Uint8Array): boolean {
    if (this.#listener === undefined || !this.#stream.writable) return true;
    const room = this.#stream.write(bytes);
    if (!room && !this.#awaitsDrain) {
      this.#awaitsDrain = true;
      hearDrain(this.#stream);
    }
    return room;
  }

  end(bytes?: Uint8Array): void {
    if (this.#listener === undefined || !this.#stream.writable) return;
    if (bytes === undefined) this.#stream.end();
    else this.#stream.end(bytes);
  }

  reset(code: number): void {
    if (this.#listener === undefined) return;
    this.#listener = undefined;
    this.#discard(code);
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  onHeaders(flags: number, fields: HeaderFields): void {
    this.#connection.responsesRead++;
    this.#hasHeaders = true;
    const status = fields[0] === ":status" ? Number(fields[1]) : 0;
    const endStream = (flags & endStreamFlag) !== 0;
    this.#listener?.onHeaders(status, fields, endStream);
    if (this.#early !== undefined) for (const chunk of this.#early.splice(0)) this.#deliver(chunk);
    if (endStream) this.#peerEnded();
  }

  onInterim(): void {
    if (++this.#interimResponses <= maxInterimResponses || this.#listener === undefined) return;
    this.#finish({ ...interimFailure, address: this.#connection.address });
    this.#discard(http2ErrorCode.enhanceYourCalm);
  }

  onData(chunk: Uint8Array): void {
    this.#connection.responsesRead++;
    // The event of headers waits for the next tick, that of data does not: on a socket that is no native one
    // (a Duplex from createConnection) data comes first.
    if (this.#hasHeaders) this.#deliver(chunk);
    else this.#early = [...(this.#early ?? []), chunk];
  }

  onTrailers(fields: HeaderFields): void {
    this.#connection.responsesRead++;
    // Node does not hold trailers back for data that a paused stream has buffered. Reading it emits it.
    while (this.#stream.readableLength > 0 && this.#stream.read() !== null);
    this.#listener?.onTrailers(fields);
    this.#peerEnded();
  }

  /**
   * END_STREAM on a DATA frame, all of which has been delivered; or the end of a stream that closes anyway. One that was
   * reset with NO_ERROR node:http2 keeps until the rest of its request has left, which it never does.
   */
  onEnd(): void {
    if (!this.#stream.closed) this.#peerEnded();
    else if (!this.#stream.writableFinished) this.#stream.destroy();
  }

  onWritable(): void {
    this.#awaitsDrain = false;
    this.#listener?.onWritable();
  }

  /** nghttp2 sends no HEADERS after a GOAWAY has come, whatever last id it named. */
  onFrameNotSent(type: number): void {
    const failure = type === headersFrame ? this.#connection.failureOfUnsent : undefined;
    if (failure !== undefined) this.#finish(failure);
  }

  onError(error: unknown): void {
    this.#error ??= error;
  }

  /** A GOAWAY came: its peer will not process a stream above `lastStreamId`. */
  refuseAbove(lastStreamId: number): void {
    const { id, rstCode } = this.#stream;
    if (id !== undefined && id <= lastStreamId) return;
    this.#finish(this.#connection.failureOf(id, rstCode ?? http2ErrorCode.refusedStream, this.#error));
    this.#discard(http2ErrorCode.cancel);
  }

  /**
   * Ends it with `failure` if nothing of it has left: nghttp2 holds requests back beyond its peer's limit of streams, and
   * while the socket takes no more. Not to be called from within nghttp2's callbacks.
   */
  giveBack(failure: Failure): void {
    if (this.#listener === undefined || !this.#isHeldBack) return;
    // Takes the HEADERS that wait out of nghttp2's hands; a reset would send them first.
    this.#stream.destroy();
    this.#finish(failure);
    this.#connection.streamClosed(this);
  }

  get #isHeldBack(): boolean {
    // A stream that has ended is as idle to Node as one that has not begun.
    return !this.#stream.closed && this.#stream.state.state === streamStateIdle;
  }

  /** The connection is gone, or node:http2 is done with this stream. */
  onClosed(): void {
    if (this.#listener === undefined) {
      this.#connection.streamClosed(this);
      return;
    }
    const { id, rstCode } = this.#stream;
    const failure = this.#connection.failureOf(id, rstCode ?? http2ErrorCode.noError, this.#error);
    if (failure === undefined) this.#connection.failureOfBareReset((judged) => this.#closedWith(judged));
    else this.#closedWith(failure);
  }

  #deliver(chunk: Uint8Array): void {
    this.#listener?.onData(chunk, 0, chunk.length);
  }

  #peerEnded(): void {
    this.#finish(undefined);
    // Nobody needs the rest of a request that has its answer (RFC 9113 §8.1).
    if (!this.#stream.writableFinished) this.#discard(http2ErrorCode.cancel);
  }

  /** The stream counts as open until here: a connection that drains would end before its last stream does. */
  #closedWith(failure: Failure | undefined): void {
    this.#finish(failure);
    this.#connection.streamClosed(this);
  }

  #finish(failure: Failure | undefined): void {
    const listener = this.#listener;
    this.#listener = undefined;
    listener?.onClosed(failure);
  }

  /**
   * Not now: microtasks and ticks run between the callbacks of nghttp2, and closing a stream sends at once what waits.
   * Sending while nghttp2 is receiving can loop for ever (seen with Node 20.20).
   */
  #discard(code: number): void {
    this.#connection.afterInput(() => {
      if (this.#stream.destroyed) return;
      this.#stream.close(code);
      // Data that arrived before the reset would otherwise hold the stream's close event back.
      this.#stream.resume();
    });
  }
}
