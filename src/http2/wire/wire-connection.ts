import type { Failure } from "../../base/errors.ts";
import type { PeerLimits } from "../../observe/peer-limits.ts";
import { noSocketFacts, type SocketFacts } from "../../observe/socket-facts.ts";
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
import { OversizedRequest } from "../oversized-request.ts";
import { FrameWriter } from "./frame-writer.ts";
import { preface, settingId } from "./frames.ts";
import { HpackEncoder } from "./hpack/encoder.ts";
import { Lifecycle } from "./lifecycle.ts";
import { RequestSender } from "./request-sender.ts";
import { WireSession, type WireSessionOptions } from "./wire-session.ts";
import { WireSocket } from "./wire-socket.ts";
import { responsePhase, type StreamConnection, WireStream } from "./wire-stream.ts";

/** What a connection is made with. */
export interface WireConnectionOptions extends WireSessionOptions {
  readonly scheme: "http" | "https";
  readonly authority: string;
  /** Streams after which the connection retires. */
  readonly maxStreams: number;
}

/**
 * One HTTP/2 connection on a socket: its parts, and our own side of it, which makes requests. What we send takes the way
 * {@link RequestSender} → {@link FrameWriter} → {@link WireSocket}. What the peer sends is the {@link WireSession}'s
 * affair, and what lives and ends the {@link Lifecycle}'s.
 */
export class WireConnection implements Connection, StreamConnection {
  listener: ConnectionListener;
  socketFacts: SocketFacts = noSocketFacts;
  readonly #socket: WireSocket;
  readonly #writer: FrameWriter;
  readonly #sender: RequestSender;
  readonly #encoder: HpackEncoder;
  readonly #lifecycle: Lifecycle;
  readonly #session: WireSession;

  /** Takes over the socket of `handshake`, sends the preface, and settles the dial after the peer's SETTINGS. */
  constructor(handshake: Handshake, options: WireConnectionOptions, listener: ConnectionListener) {
    const { scheme, authority, limits, clock, unread, maxStreams } = options;
    const socket = new WireSocket(
      handshake.socket,
      clock,
      () => sender.resume(),
      (cause) => lifecycle.lost(cause),
    );
    const writer = new FrameWriter((pieces) => {
      if (!socket.write(pieces)) sender.pause();
    }, clock);
    const sender = new RequestSender(writer);
    const stopReading = () => session.stop();
    this.listener = listener;
    const parts = { connection: this, socket, writer, sender, unread, stopReading, maxStreams };
    const lifecycle = new Lifecycle(handshake, parts);
    const encoder = new HpackEncoder(scheme, authority);
    const session = new WireSession({ lifecycle, socket, writer, sender, encoder }, options);
    this.#socket = socket;
    this.#writer = writer;
    this.#sender = sender;
    this.#encoder = encoder;
    this.#lifecycle = lifecycle;
    this.#session = session;
    handshake.read((chunk, length) => session.read(chunk, length));
    this.#sendPreface(limits.maxHeaderListBytes);
  }

  get hasRoom(): boolean {
    return this.#lifecycle.isOpen && this.openStreams < this.maxConcurrentStreams;
  }

  get openStreams(): number {
    return this.#lifecycle.streams.size;
  }

  get maxConcurrentStreams(): number {
    return this.#session.maxConcurrentStreams;
  }

  /** What the peer has said of itself so far. */
  get peerLimits(): PeerLimits {
    const { maxConcurrentStreams, maxHeaderListBytes } = this.#session;
    const { initialWindowBytes, windowBytes: connectionWindowBytes } = this.#sender;
    return { maxConcurrentStreams, initialWindowBytes, connectionWindowBytes, maxHeaderListBytes };
  }

  get streamsStarted(): number {
    return this.#lifecycle.streamsStarted;
  }

  get bytesRead(): number {
    return this.#socket.bytesRead;
  }

  get responsesRead(): number {
    return this.#session.responses.piecesRead;
  }

  get ownPings(): number {
    return this.#session.windows.pings;
  }

  get bytesWritten(): number {
    return this.#socket.bytesWritten;
  }

  get isBlocked(): boolean {
    return !this.#socket.isEmpty;
  }

  request(
    head: MethodHead,
    fields: HeaderFields,
    body: Uint8Array | undefined,
    listener: StreamListener,
  ): Stream | undefined {
    if (!this.hasRoom) return undefined;
    const { maxHeaderListBytes, receiveWindowBytes } = this.#session;
    if (maxHeaderListBytes !== Number.POSITIVE_INFINITY) {
      const listBytes = this.#encoder.listBytes(head, fields);
      if (listBytes > maxHeaderListBytes) {
        return new OversizedRequest(listener, this.#lifecycle.address, listBytes, maxHeaderListBytes);
      }
    }
    const id = this.#lifecycle.takeStreamId();
    const sender = this.#sender;
    const stream = new WireStream(id, this, listener, sender.initialWindowBytes, receiveWindowBytes);
    this.#lifecycle.streams.set(id, stream);
    this.#session.windows.opened();
    this.#writer.headers(id, this.#encoder, head, fields, sender.maxFrameBytes);
    stream.batch = this.#writer.batch;
    if (head.httpMethod === "GET") stream.requestEnded = true;
    else if (body !== undefined) sender.end(stream, body);
    return stream;
  }

  ping(onAnswer: () => void): void {
    if (!this.#lifecycle.isOver) this.#writer.ping(this.#session.pings.add(onAnswer));
  }

  drain(): void {
    this.#lifecycle.drain();
  }

  close(failure: Failure): void {
    this.#lifecycle.close(failure);
  }

  // What streams ask for.

  writeStream(stream: WireStream, bytes: Uint8Array): boolean {
    return this.#sender.write(stream, bytes);
  }

  endStream(stream: WireStream, bytes: Uint8Array | undefined): void {
    this.#sender.end(stream, bytes);
  }

  resetStream(stream: WireStream, code: number): void {
    this.#lifecycle.forget(stream);
    if (this.#lifecycle.isOver) return;
    if (!stream.requestEnded || stream.phase !== responsePhase.ended) this.#writer.rstStream(stream.id, code);
    if (stream.phase !== responsePhase.ended) this.#session.responses.abandoned(stream);
    this.#lifecycle.streamClosedLater();
  }

  resumeStream(stream: WireStream): void {
    queueMicrotask(() => {
      this.#session.responses.deliverHeld(stream);
    });
  }

  /** RFC 9113 §3.4, and the connection's receive window. */
  #sendPreface(maxHeaderListBytes: number): void {
    this.#writer.preface(preface);
    this.#writer.settings([
      ...[settingId.enablePush, 0],
      ...[settingId.initialWindowSize, this.#session.windows.streamBytes],
      ...[settingId.maxHeaderListSize, maxHeaderListBytes],
    ]);
    this.#session.windows.open();
    this.#writer.flush();
  }
}
