import { type ClientHttp2Session, type ClientHttp2Stream, connect, type OutgoingHttpHeaders } from "node:http2";
import type { Address } from "../address.ts";
import { connectionFailure, describeCause, type Failure, withProgress } from "../errors.ts";
import type {
  Connection,
  ConnectionOwner,
  Connector,
  HeaderFields,
  MethodHead,
  Stream,
  StreamListener,
} from "./connection.ts";
import { type DialOptions, dial, type Handshake } from "./dial.ts";
import { type Goaway, goawayDebugText, goawayFailure, http2ErrorCode, resetFailure } from "./error-codes.ts";
import type { Http2Limits } from "./limits.ts";

/** The HTTP/2 engine on `node:http2`. The only file that imports it. */
export class NodeHttp2Connector implements Connector {
  readonly name = "node";
  readonly #dial: DialOptions;
  readonly #limits: Http2Limits;
  readonly #heads = new WeakMap<MethodHead, OutgoingHttpHeaders>();

  constructor(dialOptions: DialOptions, limits: Http2Limits) {
    this.#dial = dialOptions;
    this.#limits = limits;
  }

  connect(address: Address, owner: ConnectionOwner, signal: AbortSignal): Promise<Connection> {
    return dial(this.#dial, address, signal, (handshake) => this.#speak(handshake, owner));
  }

  /** The constant part of a method's request headers, as node:http2 takes it. */
  headOf(head: MethodHead): OutgoingHttpHeaders {
    let headers = this.#heads.get(head);
    if (headers === undefined) {
      const { target } = this.#dial;
      headers = {
        ":method": "POST",
        ":scheme": target.tls ? "https" : "http",
        ":authority": target.authority,
        ":path": head.path,
      };
      addFields(headers, head.fields);
      this.#heads.set(head, headers);
    }
    return headers;
  }

  #speak(handshake: Handshake, owner: ConnectionOwner): void {
    const { target } = this.#dial;
    const { initialWindowBytes, connectionWindowBytes, maxHeaderListBytes, nodeOptions } = this.#limits;
    const session = connect(`${target.tls ? "https" : "http"}://${target.authority}`, {
      // Node refuses streams with ENHANCE_YOUR_CALM once a session holds 10 MB (nodejs/node#27416).
      maxSessionMemory: 1_000,
      ...nodeOptions,
      createConnection: () => handshake.socket,
      settings: {
        enablePush: false,
        initialWindowSize: initialWindowBytes,
        maxHeaderListSize: maxHeaderListBytes,
        ...nodeOptions.settings,
      },
    });
    const connection = new NodeHttp2Connection(this, session, handshake, owner);
    session.once("remoteSettings", () => {
      session.setLocalWindowSize(connectionWindowBytes);
      if (!handshake.succeed(connection)) session.destroy();
    });
    session.once("close", () => handshake.fail(connection.cause ?? new Error("the peer closed the connection")));
  }
}

/** Node announces "no limit" as the largest 32-bit number. */
const noStreamLimit = 2 ** 32 - 1;

/** A connection retires when this share of its 2^31 stream ids is used, as grpc-go does. */
const maxStreamsPerConnection = Math.floor(0.75 * 2 ** 30);

class NodeHttp2Connection implements Connection {
  maxConcurrentStreams = Number.POSITIVE_INFINITY;
  /** The first error of socket or session: why the connection ended. */
  cause: unknown;
  readonly #connector: NodeHttp2Connector;
  readonly #session: ClientHttp2Session;
  readonly #socket: { readonly bytesRead: number };
  readonly #address: string;
  readonly #owner: ConnectionOwner;
  readonly #streams = new Set<NodeHttp2Stream>();
  #streamsStarted = 0;
  #accepting = true;
  #goaway: Goaway | undefined;
  /** Set by close(): what open streams end with. */
  #closeFailure: Failure | undefined;

  constructor(
    connector: NodeHttp2Connector,
    session: ClientHttp2Session,
    handshake: Handshake,
    owner: ConnectionOwner,
  ) {
    this.#connector = connector;
    this.#session = session;
    this.#socket = handshake.socket;
    this.#address = handshake.address;
    this.#owner = owner;
    handshake.socket.on("error", (error) => this.#noteCause(error));
    session.on("error", (error) => this.#noteCause(error));
    session.on("remoteSettings", (settings) => {
      const limit = settings.maxConcurrentStreams ?? noStreamLimit;
      this.maxConcurrentStreams = limit === noStreamLimit ? Number.POSITIVE_INFINITY : limit;
      this.#owner.onCapacity();
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
    return this.#socket.bytesRead;
  }

  request(
    head: MethodHead,
    fields: HeaderFields,
    body: Uint8Array | undefined,
    listener: StreamListener,
  ): Stream | undefined {
    if (!this.#accepting) return undefined;
    let headers = this.#connector.headOf(head);
    if (fields.length > 0) {
      headers = { ...headers };
      addFields(headers, fields);
    }
    let http2Stream: ClientHttp2Stream;
    try {
      http2Stream = this.#session.request(headers, noOptions);
    } catch (error) {
      // The session is destroyed or has seen a GOAWAY, and its events are still on their way.
      this.#noteCause(error);
      this.#stopAccepting();
      return undefined;
    }
    const stream = new NodeHttp2Stream(this, http2Stream, listener);
    this.#streams.add(stream);
    if (body !== undefined) stream.end(body);
    if (++this.#streamsStarted === maxStreamsPerConnection) {
      this.#stopAccepting();
      this.drain();
    }
    return stream;
  }

  ping(onAnswer: () => void): void {
    try {
      this.#session.ping((error) => {
        if (error === null) onAnswer();
      });
    } catch (error) {
      // ping() throws on a destroyed session; its close event tells the owner.
      this.#noteCause(error);
    }
  }

  drain(): void {
    this.#accepting = false;
    if (!this.#session.closed) this.#session.close();
  }

  close(failure: Failure): void {
    this.#accepting = false;
    this.#closeFailure ??= failure;
    this.#session.destroy();
  }

  /** Called by a stream when node:http2 is done with it. */
  streamClosed(stream: NodeHttp2Stream): void {
    if (this.#streams.delete(stream)) this.#owner.onCapacity();
  }

  /** Why a stream ended when it did not end by itself: undefined where the stream's own reset is the reason. */
  connectionEnd(streamId: number | undefined): Failure | undefined {
    const progress = streamId === undefined ? "unsent" : "unknown";
    if (this.#closeFailure !== undefined) return withProgress(this.#closeFailure, progress);
    if (this.#goaway !== undefined && (this.#session.destroyed || (streamId ?? 0) > this.#goaway.lastStreamId)) {
      const failure = goawayFailure(this.#address, this.#goaway, streamId ?? 0);
      return streamId === undefined ? withProgress(failure, "unsent") : failure;
    }
    return this.#session.destroyed ? this.#lost(progress) : undefined;
  }

  resetFailure(code: number): Failure {
    // A reset that follows a GOAWAY with an error is the connection's end, not the stream's own.
    if (this.#goaway !== undefined && this.#goaway.code !== http2ErrorCode.noError) {
      return withProgress(goawayFailure(this.#address, this.#goaway, -1), "unknown");
    }
    return resetFailure(this.#address, code);
  }

  #lost(progress: "unsent" | "unknown"): Failure {
    const why = this.cause === undefined ? "the peer closed it" : describeCause(this.cause);
    return connectionFailure("connection-lost", this.#address, progress, `the connection was lost: ${why}`, this.cause);
  }

  #noteCause(cause: unknown): void {
    this.cause ??= cause;
  }

  #stopAccepting(): void {
    if (!this.#accepting) return;
    this.#accepting = false;
    queueMicrotask(() => this.#owner.onDraining(this.#goaway));
  }

  #onGoaway(goaway: Goaway): void {
    const first = this.#goaway === undefined;
    this.#goaway = goaway;
    this.#accepting = false;
    if (first) this.#owner.onDraining(goaway);
    for (const stream of this.#streams) stream.refuseAbove(goaway.lastStreamId);
  }

  #onSessionClosed(): void {
    this.#accepting = false;
    for (const stream of this.#streams) stream.connectionClosed();
    this.#streams.clear();
    const failure = this.#closeFailure ?? (this.#goaway === undefined ? this.#lost("unknown") : undefined);
    this.#owner.onClosed(failure);
  }
}

/** Nothing to say to node:http2 beyond the headers; the request side stays open until `end`. */
const noOptions = { endStream: false };

/** END_STREAM in the flags of a HEADERS frame. */
const endStreamFlag = 0x1;

/** Where a handler finds its stream: one function for all streams costs less than closures for each. */
const owner = Symbol("glink stream");

type OwnedStream = ClientHttp2Stream & { [owner]: NodeHttp2Stream };

class NodeHttp2Stream implements Stream {
  readonly #connection: NodeHttp2Connection;
  readonly #stream: ClientHttp2Stream;
  #listener: StreamListener | undefined;
  #error: unknown;

  constructor(connection: NodeHttp2Connection, stream: ClientHttp2Stream, listener: StreamListener) {
    this.#connection = connection;
    this.#stream = stream;
    this.#listener = listener;
    (stream as OwnedStream)[owner] = this;
    stream.on("response", onResponse);
    stream.on("data", onData);
    stream.on("trailers", onTrailers);
    stream.on("error", onError);
    stream.on("close", onClose);
  }

  write(bytes: Uint8Array): boolean {
    if (this.#listener === undefined || this.#stream.destroyed) return true;
    const room = this.#stream.write(bytes);
    if (!room) this.#stream.once("drain", onDrain);
    return room;
  }

  end(bytes?: Uint8Array): void {
    if (this.#listener === undefined || this.#stream.destroyed) return;
    if (bytes === undefined) this.#stream.end();
    else this.#stream.end(bytes);
  }

  reset(code: number): void {
    if (this.#listener === undefined) return;
    this.#listener = undefined;
    this.#stream.close(code);
    // Data that arrived before the reset would otherwise hold the stream's close event back.
    this.#stream.resume();
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  headers(flags: number, fields: HeaderFields): void {
    const status = fields[0] === ":status" ? Number(fields[1]) : 0;
    this.#listener?.onHeaders(status, fields, (flags & endStreamFlag) !== 0);
  }

  data(chunk: Uint8Array): void {
    this.#listener?.onData(chunk);
  }

  trailers(fields: HeaderFields): void {
    this.#listener?.onTrailers(fields);
  }

  writable(): void {
    this.#listener?.onWritable();
  }

  failed(error: unknown): void {
    this.#error = error;
  }

  /** A GOAWAY came: node:http2 leaves streams above its last id pending until the socket closes. */
  refuseAbove(lastStreamId: number): void {
    if (this.#stream.id !== undefined && this.#stream.id <= lastStreamId) return;
    const failure = this.#connection.connectionEnd(this.#stream.id);
    this.#finish(failure);
    this.#stream.close(http2ErrorCode.cancel);
  }

  closed(): void {
    const { rstCode, id } = this.#stream;
    const connectionEnd = this.#connection.connectionEnd(id);
    const clean = rstCode === http2ErrorCode.noError && this.#error === undefined;
    this.#finish(clean ? undefined : (connectionEnd ?? this.#connection.resetFailure(rstCode ?? 0)));
    this.#connection.streamClosed(this);
  }

  connectionClosed(): void {
    this.#finish(this.#connection.connectionEnd(this.#stream.id));
  }

  #finish(failure: Failure | undefined): void {
    const listener = this.#listener;
    this.#listener = undefined;
    listener?.onClosed(failure);
  }
}

function onResponse(this: unknown, _: unknown, flags: number, fields?: string[]): void {
  (this as OwnedStream)[owner].headers(flags, fields ?? []);
}

function onData(this: unknown, chunk: Uint8Array): void {
  (this as OwnedStream)[owner].data(chunk);
}

function onTrailers(this: unknown, _: unknown, __: number, fields?: string[]): void {
  (this as OwnedStream)[owner].trailers(fields ?? []);
}

function onDrain(this: unknown): void {
  (this as OwnedStream)[owner].writable();
}

function onError(this: unknown, error: Error): void {
  (this as OwnedStream)[owner].failed(error);
}

function onClose(this: unknown): void {
  (this as OwnedStream)[owner].closed();
}

function addFields(headers: OutgoingHttpHeaders, fields: HeaderFields): void {
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const name = fields[i] as string;
    const value = fields[i + 1] as string;
    const present = headers[name];
    if (present === undefined) headers[name] = value;
    else headers[name] = [...(Array.isArray(present) ? present : [String(present)]), value];
  }
}
