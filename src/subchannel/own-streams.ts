import { Code } from "@connectrpc/connect";
import type { Failure } from "../base/errors.ts";
import type { Connection, Stream, StreamListener } from "../http2/connection.ts";
import { http2ErrorCode } from "../http2/error-codes.ts";

/** The streams of one connection that are no calls: nobody waits for them, and they end when it leaves service. */
export class OwnStreams {
  readonly #connection: Connection;
  readonly #address: string;
  /** Undefined before the first one: most connections carry calls alone. */
  #open: Set<OwnStream> | undefined;

  constructor(connection: Connection, address: string) {
    this.#connection = connection;
    this.#address = address;
  }

  get size(): number {
    return this.#open?.size ?? 0;
  }

  /** Whether one more would leave a stream for calls. */
  get haveRoom(): boolean {
    return this.size + 1 < this.#connection.maxConcurrentStreams;
  }

  /** Why there is none, where the connection has room. */
  get refusal(): Failure {
    const { maxConcurrentStreams } = this.#connection;
    const message = `the streams that the server allows are for calls (MAX_CONCURRENT_STREAMS is ${maxConcurrentStreams})`;
    return { kind: "no-streams", code: Code.Unavailable, progress: "unsent", message, address: this.#address };
  }

  /** `request` starts the stream with the listener that it is given. Undefined, as what it returns: it was not. */
  open(listener: StreamListener, request: (listener: StreamListener) => Stream | undefined): Stream | undefined {
    const own = new OwnStream(listener, () => this.#open?.delete(own));
    const stream = request(own.listener);
    if (stream === undefined) return undefined;
    own.stream = stream;
    this.#open ??= new Set();
    this.#open.add(own);
    return own;
  }

  /** The server's limit of streams is another. */
  limitChanged(): void {
    if (this.size > 0 && this.size >= this.#connection.maxConcurrentStreams) this.endAll(this.refusal);
  }

  /** Ends all of them from this side. Their listeners hear `failure`. */
  endAll(failure: Failure): void {
    for (const own of [...(this.#open ?? [])]) own.endWith(failure);
  }
}

/** A stream that says when it is over, whichever side ended it. */
class OwnStream implements Stream {
  /** What the connection knows as its listener. */
  readonly listener: StreamListener;
  stream: Stream | undefined;
  readonly #listener: StreamListener;
  readonly #over: () => void;

  constructor(listener: StreamListener, over: () => void) {
    this.#listener = listener;
    this.#over = over;
    this.listener = {
      onHeaders: (status, fields, endStream) => listener.onHeaders(status, fields, endStream),
      onData: (bytes, start, end) => listener.onData(bytes, start, end),
      onTrailers: (fields) => listener.onTrailers(fields),
      onWritable: () => listener.onWritable(),
      onClosed: (failure) => {
        over();
        listener.onClosed(failure);
      },
    };
  }

  write(bytes: Uint8Array): boolean {
    return this.stream?.write(bytes) ?? false;
  }

  end(bytes?: Uint8Array): void {
    this.stream?.end(bytes);
  }

  reset(code: number): void {
    // First: the connection may say, as it ends the stream, that it has room again.
    this.#over();
    this.stream?.reset(code);
  }

  pause(): void {
    this.stream?.pause();
  }

  resume(): void {
    this.stream?.resume();
  }

  endWith(failure: Failure): void {
    this.reset(http2ErrorCode.cancel);
    this.#listener.onClosed(failure);
  }
}
