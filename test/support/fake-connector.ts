import { Code } from "@connectrpc/connect";
import type { Failure } from "../../src/base/errors.ts";
import { type Address, formatAddress } from "../../src/endpoint/address.ts";
import {
  type Connection,
  type ConnectionListener,
  type Connector,
  DialError,
  type HeaderFields,
  type MethodHead,
  type Stream,
  type StreamListener,
} from "../../src/http2/connection.ts";
import { noSocketFacts, type SocketFacts } from "../../src/observe/socket-facts.ts";

/** An engine without sockets: a test settles each dial by hand, and plays the peer of each connection. */
export class FakeConnector implements Connector {
  /** Every dial so far, in order. */
  readonly dials: FakeDial[] = [];
  #answer: ((dial: FakeDial) => void) | undefined;

  connect(address: Address, owner: ConnectionListener, signal: AbortSignal): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const dial = new FakeDial(this.dials.length, formatAddress(address), owner, signal, resolve, reject);
      this.dials.push(dial);
      this.#answer?.(dial);
    });
  }

  /** From now on each dial is settled as soon as it begins. */
  answerWith(answer: (dial: FakeDial) => void): void {
    this.#answer = answer;
  }

  get last(): FakeDial {
    const last = this.dials.at(-1);
    if (last === undefined) throw new Error("nothing was dialled");
    return last;
  }

  /** Dials that are not settled and were not given up. */
  get pending(): FakeDial[] {
    return this.dials.filter((dial) => !dial.settled && !dial.givenUp);
  }

  /** Connections that are not closed. */
  get open(): FakeConnection[] {
    return this.dials.flatMap(({ connection }) => (connection === undefined || connection.closed ? [] : [connection]));
  }

  dialsOf(address: string): FakeDial[] {
    return this.dials.filter((dial) => dial.address === address);
  }
}

class FakeDial {
  readonly number: number;
  readonly address: string;
  connection: FakeConnection | undefined;
  settled = false;
  readonly #owner: ConnectionListener;
  readonly #signal: AbortSignal;
  readonly #resolve: (connection: Connection) => void;
  readonly #reject: (error: DialError) => void;

  constructor(
    number: number,
    address: string,
    owner: ConnectionListener,
    signal: AbortSignal,
    resolve: (connection: Connection) => void,
    reject: (error: DialError) => void,
  ) {
    this.number = number;
    this.address = address;
    this.#owner = owner;
    this.#signal = signal;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  get givenUp(): boolean {
    return this.#signal.aborted;
  }

  succeed(maxConcurrentStreams = Number.POSITIVE_INFINITY): FakeConnection {
    this.settled = true;
    this.connection = new FakeConnection(this.number, this.address, this.#owner, maxConcurrentStreams);
    this.#resolve(this.connection);
    return this.connection;
  }

  fail(code = "ECONNREFUSED"): void {
    this.settled = true;
    const cause = Object.assign(new Error(`connect ${code} ${this.address}`), { code });
    const message = `cannot connect: ${cause.message}`;
    this.#reject(
      new DialError({
        kind: "dial",
        code: Code.Unavailable,
        progress: "unsent",
        message,
        address: this.address,
        cause,
      }),
    );
  }
}

export class FakeConnection implements Connection {
  listener: ConnectionListener;
  socketFacts: SocketFacts = noSocketFacts;
  /** The number of the dial it came from. */
  readonly number: number;
  readonly address: string;
  readonly streams = new Set<FakeStream>();
  maxConcurrentStreams: number;
  streamsStarted = 0;
  bytesRead = 0;
  responsesRead = 0;
  ownPings = 0;
  bytesWritten = 0;
  isBlocked = false;
  draining = false;
  closed = false;
  /** PINGs so far, and how to answer the newest. */
  pings = 0;
  answerPing: () => void = () => undefined;
  /** True: each PING is answered at once. */
  answersPings = false;

  constructor(number: number, address: string, owner: ConnectionListener, maxConcurrentStreams: number) {
    this.number = number;
    this.address = address;
    this.listener = owner;
    this.maxConcurrentStreams = maxConcurrentStreams;
  }

  get hasRoom(): boolean {
    return !this.closed && !this.draining && this.streams.size < this.maxConcurrentStreams;
  }

  get openStreams(): number {
    return this.streams.size;
  }

  request(
    head: MethodHead,
    _fields: HeaderFields,
    body: Uint8Array | undefined,
    listener: StreamListener,
  ): Stream | undefined {
    if (this.closed || this.draining) return undefined;
    const stream = new FakeStream(this, { path: head.path, body }, listener);
    this.streams.add(stream);
    this.streamsStarted++;
    return stream;
  }

  ping(onAnswer: () => void): void {
    this.pings++;
    this.answerPing = onAnswer;
    if (this.answersPings) queueMicrotask(onAnswer);
  }

  drain(): void {
    this.draining = true;
    this.#closeIfDrained();
  }

  close(failure: Failure): void {
    this.#end(failure);
  }

  /** The peer: GOAWAY. */
  goaway(code = 0, debug = ""): void {
    if (this.closed || this.draining) return;
    this.draining = true;
    this.listener.onDraining({ code, debug });
    this.#closeIfDrained();
  }

  /** The peer is gone. */
  lose(): void {
    const { address } = this;
    this.#end({
      kind: "connection-lost",
      code: Code.Unavailable,
      progress: "unknown",
      message: "the connection was lost",
      address,
    });
  }

  /** The peer changes its MAX_CONCURRENT_STREAMS. */
  allow(maxConcurrentStreams: number): void {
    this.maxConcurrentStreams = maxConcurrentStreams;
    this.listener.onCapacity();
  }

  streamEnded(stream: FakeStream): void {
    if (!this.streams.delete(stream)) return;
    this.listener.onCapacity();
    this.#closeIfDrained();
  }

  #closeIfDrained(): void {
    if (this.draining && this.streams.size === 0) this.#end(undefined);
  }

  #end(failure: Failure | undefined): void {
    if (this.closed) return;
    this.closed = true;
    for (const { listener } of this.streams) listener.onClosed(failure);
    this.streams.clear();
    this.listener.onClosed(failure);
  }
}

interface FakeRequest {
  readonly path: string;
  readonly body: Uint8Array | undefined;
}

export class FakeStream implements Stream {
  #answered = false;
  readonly connection: FakeConnection;
  readonly request: FakeRequest;
  readonly listener: StreamListener;

  constructor(connection: FakeConnection, request: FakeRequest, listener: StreamListener) {
    this.connection = connection;
    this.request = request;
    this.listener = listener;
  }

  /** The peer answers with a gRPC message, after the headers if it is the first. */
  answer(payload: Uint8Array, flag = 0): void {
    if (!this.#answered) this.listener.onHeaders(200, ["content-type", "application/grpc"], false);
    this.#answered = true;
    const frame = Uint8Array.of(flag, 0, 0, 0, payload.length, ...payload);
    this.listener.onData(frame, 0, frame.length);
  }

  /** The peer ends it with a gRPC status. */
  endWith(code: Code | 0): void {
    const status = ["grpc-status", String(code)];
    if (this.#answered) this.listener.onTrailers(status);
    else this.listener.onHeaders(200, ["content-type", "application/grpc", ...status], true);
    this.finish();
  }

  /** The peer ends the stream in good order, with a frame. */
  finish(): void {
    this.connection.bytesRead += 9;
    this.connection.responsesRead++;
    this.listener.onClosed(undefined);
    this.connection.streamEnded(this);
  }

  write(): boolean {
    return true;
  }

  end(): void {
    return;
  }

  reset(): void {
    this.connection.streamEnded(this);
  }

  pause(): void {
    return;
  }

  resume(): void {
    return;
  }
}

/** A listener for requests that nobody looks at. */
export const deafListener: StreamListener = {
  onHeaders: () => undefined,
  onData: () => undefined,
  onTrailers: () => undefined,
  onWritable: () => undefined,
  onClosed: () => undefined,
};
