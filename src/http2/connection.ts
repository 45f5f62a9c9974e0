import type { Failure } from "../base/errors.ts";
import type { Address } from "../endpoint/address.ts";
import type { SocketFacts } from "../observe/socket-facts.ts";

/**
 * The seam under which the HTTP/2 engine can be swapped. No type of Node's http2 module passes through it. Callbacks
 * instead of iterables and emitters, because this is the path of every call.
 *
 * Re-entrancy: an engine calls its listeners after it has finished its own change, and a callback may
 * call back into the engine. No callback comes from inside `request`, `write`, `end` or `reset` itself.
 */

/** Header or trailer fields: names in lower case and values in turn, in wire order, duplicates kept. */
export type HeaderFields = readonly string[];

/**
 * What is constant for a method: built once per method, and passed with every call by the same reference, so that an
 * engine can cache its encoding.
 */
export interface MethodHead {
  /** `:method`; undefined: POST. A GET has no body: END_STREAM leaves with its head. */
  readonly httpMethod?: "GET" | undefined;
  /** `:path`. */
  readonly path: string;
  /** Made for one call: an engine keeps nothing of it. */
  readonly isOfOneCall?: true | undefined;
  /** Content type, encodings, user agent, te. */
  readonly fields: HeaderFields;
}

/** Told of one stream's life, in this order: headers, data, trailers, closed. Whoever starts a request. */
export interface StreamListener {
  /** The final response headers. Interim (1xx) responses never get here. `endStream`: nothing but `onClosed` follows. */
  onHeaders(status: number, fields: HeaderFields, endStream: boolean): void;
  /** A piece of the body, from `start` to `end` of `bytes`: valid during this call, for they may be a reused buffer. */
  onData(bytes: Uint8Array, start: number, end: number): void;
  onTrailers(fields: HeaderFields): void;
  /** The engine can take more after a `write` that returned false. */
  onWritable(): void;
  /**
   * Exactly once, and last, except after `reset`, which is the last word itself. Undefined: the peer ended the stream
   * in good order, the request side notwithstanding: what is left of that is reset with CANCEL. The failure's `progress`
   * is decided here, from HTTP/2 facts alone.
   */
  onClosed(failure: Failure | undefined): void;
}

/** One request in flight. Every method is ignored once the stream is closed. */
export interface Stream {
  /**
   * Sends bytes. The engine may keep the array until the stream is closed and never changes it; the caller does not
   * change it either. Writes of one tick leave in one packet where the engine can do it.
   * @returns false when the caller should wait for `onWritable`.
   */
  write(bytes: Uint8Array): boolean;
  /** Ends the request side. With `bytes`, END_STREAM travels on their last frame. */
  end(bytes?: Uint8Array): void;
  /** Ends the stream from this side with an HTTP/2 error code. The listener hears nothing more. */
  reset(code: number): void;
  /**
   * Stops the flow of `onData`; flow control then stops the peer. What has already arrived may still come, and comes at
   * the latest before the trailers: a response that is complete does not wait for `resume`.
   */
  pause(): void;
  resume(): void;
}

/** One HTTP/2 connection whose peer has sent its SETTINGS. */
export interface Connection {
  /** Who is told of its life: whoever dialled it, until somebody else takes it over. */
  listener: ConnectionListener;
  /** Of its socket: whoever dials notes them, once it is ready. */
  socketFacts: SocketFacts;
  /** True while `request` takes one more stream: not draining, and below the peer's limit. */
  readonly hasRoom: boolean;
  /** Streams that are open now. */
  readonly openStreams: number;
  /** What the peer allows now. `Infinity` where it set no limit. */
  readonly maxConcurrentStreams: number;
  /** Streams started since it was opened. */
  readonly streamsStarted: number;
  /** Bytes read from the socket since it was opened: whether it changes tells if the peer is alive. */
  readonly bytesRead: number;
  /** Pieces of responses read since it was opened: header blocks and DATA, and nothing else that a peer may send. */
  readonly responsesRead: number;
  /** PINGs that the engine sent of its own accord, each after it had read DATA: servers count them with those of `ping`. */
  readonly ownPings: number;
  /** Bytes that the socket has taken since it was opened. */
  readonly bytesWritten: number;
  /** More waits, because the socket takes no more: whether {@link bytesWritten} changes then tells if the peer reads. */
  readonly isBlocked: boolean;
  /**
   * Starts a request. Names are unique within `head` and `fields` together: values of one name are joined. Fields are
   * valid: whoever made them has checked them. With `body` the whole request is known and END_STREAM leaves with it;
   * without, `write` and `end` follow.
   * @returns undefined when there is no room ({@link hasRoom}). Then nothing was sent, and the listener hears nothing.
   */
  request(
    head: MethodHead,
    fields: HeaderFields,
    body: Uint8Array | undefined,
    listener: StreamListener,
  ): Stream | undefined;
  /** Sends a PING and calls `onAnswer` if it is answered. Ignored on a closed connection. */
  ping(onAnswer: () => void): void;
  /** Takes no new streams; closes once the open ones have ended. Idempotent. */
  drain(): void;
  /** Closes now. Open streams end with `failure`, `unknown` made `unsent` where nothing had left. Idempotent. */
  close(failure: Failure): void;
}

/** Told of one connection. */
export interface ConnectionListener {
  /** The peer said GOAWAY, or the stream ids run out: no new streams from now on, open ones may go on. Once. */
  onDraining(goaway: { readonly code: number; readonly debug: string } | undefined): void;
  /** A stream ended or the peer changed its limit. */
  onCapacity(): void;
  /** The connection is gone, and so are all its streams. Exactly once, after every stream's `onClosed`. */
  onClosed(failure: Failure | undefined): void;
}

/** Makes connections to backends of one target. */
export interface Connector {
  /**
   * Dials, and resolves once TCP, TLS with ALPN `h2`, and the peer's first SETTINGS are there. Rejects with a
   * {@link DialError} on any failure, and when `signal` aborts or the connect timeout passes.
   */
  connect(address: Address, listener: ConnectionListener, signal: AbortSignal): Promise<Connection>;
}

/** Why a dial failed, as the failure that calls will see. */
export class DialError extends Error {
  override readonly name = "DialError";
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.message, { cause: failure.cause });
    this.failure = failure;
  }
}
