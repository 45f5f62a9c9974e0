import type { Socket } from "node:net";
import { Code } from "@connectrpc/connect";
import { connectionFailure, describeCause, type Failure, withProgress } from "../../errors.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Connection, ConnectionOwner, HeaderFields, MethodHead, Stream, StreamListener } from "../connection.ts";
import type { Handshake } from "../dial.ts";
import { type Goaway, goawayFailure, http2ErrorCode, resetFailure } from "../error-codes.ts";
import type { Http2Limits } from "../limits.ts";
import { ClosedStreams } from "./closed-streams.ts";
import { ControlFrames } from "./control-frames.ts";
import { FloodGuard } from "./flood-guard.ts";
import { FrameDispatcher } from "./frame-dispatcher.ts";
import { FrameReader } from "./frame-reader.ts";
import { FrameWriter } from "./frame-writer.ts";
import { defaultWindowBytes, preface, settingId } from "./frames.ts";
import { HeaderBlockReader } from "./header-block.ts";
import { HpackDecoder } from "./hpack/decoder.ts";
import { HpackEncoder } from "./hpack/encoder.ts";
import type { HuffmanDecoder } from "./hpack/huffman.ts";
import { type FloodKind, floodLimits, maxHeaderFields, maxQueuedAnswers } from "./limits.ts";
import { PendingPings } from "./pending-pings.ts";
import { RequestSender } from "./request-sender.ts";
import { ResponseFrames } from "./response-frames.ts";
import type { PeerSettings, Session } from "./session.ts";
import { responsePhase, type StreamOwner, WireStream } from "./wire-stream.ts";

/** What a connection is made with. */
export interface WireConnectionOptions {
  readonly scheme: "http" | "https";
  readonly authority: string;
  readonly limits: Http2Limits;
  readonly clock: Clock;
  readonly huffman: HuffmanDecoder;
  /** Streams after which the connection retires. */
  readonly maxStreams: number;
}

/** A peer that does not take our GOAWAY within this time is cut off. */
const lingerMs = 500;

/** How a connection ends, as told to its streams, to the peer and to the owner. */
interface Ending {
  /** Of a stream whose HEADERS have left (`unknown`) or have not (`unsent`). */
  readonly failureOf: (stream: WireStream, progress: "unknown" | "unsent") => Failure;
  /** GOAWAY for the peer; undefined where nobody would read it. */
  readonly goaway: { readonly code: number; readonly debug: string } | undefined;
  readonly ownerFailure: Failure | undefined;
  /** Why there is no connection, for a dial that is not over yet. */
  readonly dialError: unknown;
  /** The owner hears of an end that it asked for when the socket is closed too, of any other at once. */
  readonly isAskedFor: boolean;
}

/**
 * One HTTP/2 connection on a socket: the life of the connection and of its streams. What comes in takes the way
 * {@link FrameReader} → {@link FrameDispatcher} → {@link ControlFrames} or {@link ResponseFrames} → listeners; what goes
 * out, {@link RequestSender} → {@link FrameWriter} → socket.
 */
export class WireConnection implements Connection, Session, StreamOwner {
  readonly streams: Map<number, WireStream> = new Map();
  maxConcurrentStreams: number = Number.POSITIVE_INFINITY;
  readonly #options: WireConnectionOptions;
  readonly #handshake: Handshake;
  readonly #socket: Socket;
  readonly #owner: ConnectionOwner;
  readonly #reader: FrameReader;
  readonly #writer: FrameWriter;
  readonly #sender: RequestSender;
  readonly #encoder: HpackEncoder;
  readonly #responses: ResponseFrames;
  readonly #guard: FloodGuard;
  readonly #closed = new ClosedStreams();
  readonly #pings = new PendingPings();
  #peerMaxHeaderListBytes = Number.POSITIVE_INFINITY;
  #nextStreamId = 1;
  #accepting = false;
  #established = false;
  #draining = false;
  #over = false;
  #settingsAcknowledged = false;
  #goaway: Goaway | undefined;
  /** Answers since the socket was last empty. */
  #queuedAnswers = 0;
  #capacityDue = false;

  /** Takes over the socket of `handshake`, sends the preface, and settles the dial after the peer's SETTINGS. */
  constructor(handshake: Handshake, options: WireConnectionOptions, owner: ConnectionOwner) {
    this.#options = options;
    this.#handshake = handshake;
    this.#socket = handshake.socket;
    this.#owner = owner;
    const { limits, clock, huffman } = options;
    this.#writer = new FrameWriter((pieces) => this.#output(pieces), clock);
    this.#guard = new FloodGuard(clock, () => this.#writer.sentFrames);
    this.#sender = new RequestSender(this.#writer);
    this.#encoder = new HpackEncoder(options.scheme, options.authority);
    this.#responses = new ResponseFrames(this, this.#writer, limits, this.#closed);
    const decoder = new HpackDecoder(huffman, { maxBytes: limits.maxHeaderListBytes, maxFields: maxHeaderFields });
    this.#reader = new FrameReader(
      new FrameDispatcher(
        this,
        new ControlFrames(this, this.#writer, this.#sender, this.#encoder),
        this.#responses,
        new HeaderBlockReader(decoder),
        limits.maxHeaderListBytes,
      ),
    );
    this.#listen();
    this.#sendPreface();
  }

  get hasRoom(): boolean {
    return this.#accepting && this.streams.size < this.maxConcurrentStreams;
  }

  get openStreams(): number {
    return this.streams.size;
  }

  get bytesRead(): number {
    // A Duplex from createConnection does not count: then only the answer to a PING is an answer.
    return this.#socket.bytesRead ?? 0;
  }

  request(
    head: MethodHead,
    fields: HeaderFields,
    body: Uint8Array | undefined,
    listener: StreamListener,
  ): Stream | undefined {
    if (!this.hasRoom) return undefined;
    if (this.#peerMaxHeaderListBytes !== Number.POSITIVE_INFINITY) {
      const listBytes = this.#encoder.listBytes(head, fields);
      if (listBytes > this.#peerMaxHeaderListBytes) return this.#tooManyHeaders(listBytes, listener);
    }
    const id = this.#nextStreamId;
    this.#nextStreamId = id + 2;
    const sender = this.#sender;
    const stream = new WireStream(id, this, listener, sender.initialWindowBytes, this.#receiveWindowBytes);
    this.streams.set(id, stream);
    this.#writer.headers(id, this.#encoder, head, fields, sender.maxFrameBytes);
    stream.batch = this.#writer.batch;
    if (body !== undefined) sender.end(stream, body);
    if (id + 2 > this.#options.maxStreams * 2) this.#idsExhausted();
    return stream;
  }

  ping(onAnswer: () => void): void {
    if (!this.#over) this.#writer.ping(this.#pings.add(onAnswer));
  }

  drain(): void {
    this.#accepting = false;
    this.#draining = true;
    this.#closeIfDrained();
  }

  close(failure: Failure): void {
    if (this.#over) return;
    this.#accepting = false;
    this.#reader.stop();
    // Not from inside this call: whoever closes one connection may be walking over many.
    queueMicrotask(() => {
      this.#end({
        failureOf: (_, progress) => withProgress(failure, progress),
        goaway: { code: http2ErrorCode.noError, debug: "" },
        ownerFailure: failure,
        dialError: new Error(failure.message),
        isAskedFor: true,
      });
    });
  }

  // What streams ask for.

  writeStream(stream: WireStream, bytes: Uint8Array): boolean {
    return this.#sender.write(stream, bytes);
  }

  endStream(stream: WireStream, bytes: Uint8Array | undefined): void {
    this.#sender.end(stream, bytes);
  }

  resetStream(stream: WireStream, code: number): void {
    this.#forget(stream);
    if (this.#over) return;
    if (!stream.requestEnded || stream.phase !== responsePhase.ended) this.#writer.rstStream(stream.id, code);
    if (stream.phase !== responsePhase.ended) this.#responses.abandoned(stream);
    this.#tellCapacityLater();
  }

  resumeStream(stream: WireStream): void {
    queueMicrotask(() => {
      this.#responses.deliverHeld(stream);
    });
  }

  // What the peer's frames say.

  isIdle(streamId: number): boolean {
    return streamId >= this.#nextStreamId || (streamId & 1) === 0;
  }

  breach(code: number, problem: string): void {
    this.#breach(code, `protocol error: the server ${problem}`, problem);
  }

  tolerates(kind: FloodKind): boolean {
    if (this.#guard.allows(kind)) return true;
    this.flooded(floodLimits[kind].what);
    return false;
  }

  flooded(what: string): void {
    this.#breach(http2ErrorCode.enhanceYourCalm, `the server sent too many ${what}`, `sent too many ${what}`);
  }

  answers(): boolean {
    if (++this.#queuedAnswers <= maxQueuedAnswers) return true;
    // So many in one chunk are no flood if the socket takes them.
    this.#writer.flush();
    if (this.#socket.writableLength === 0) this.#queuedAnswers = 0;
    if (this.#queuedAnswers <= maxQueuedAnswers) return true;
    this.flooded("frames that want an answer, and does not read the answers");
    return false;
  }

  failStream(stream: WireStream, code: number, failure: Failure): void {
    const { listener } = stream;
    this.#forget(stream);
    if (this.answers()) this.#writer.rstStream(stream.id, code);
    this.#responses.abandoned(stream);
    listener?.onClosed({ ...failure, address: this.#handshake.address });
    this.#streamClosed();
  }

  malformed(stream: WireStream, problem: string, code: number = http2ErrorCode.protocolError): void {
    const message = `protocol error: the server ${problem}`;
    this.failStream(stream, code, { kind: "protocol", code: Code.Internal, progress: "unknown", message });
  }

  responseEnded(stream: WireStream): void {
    // Nobody will read the rest of the request.
    if (!stream.requestEnded && this.answers()) this.#writer.rstStream(stream.id, http2ErrorCode.cancel);
    this.#closed.ended(stream.id);
    this.#finish(stream, undefined);
  }

  streamReset(stream: WireStream, code: number): void {
    if (stream.phase === responsePhase.ended) return;
    this.#closed.reset(stream.id);
    if (code !== http2ErrorCode.noError) {
      this.#finish(stream, this.#resetFailure(code));
      return;
    }
    // A server that drops its connections (session.destroy() of Node's) sends such resets ahead of its GOAWAY and FIN:
    // what follows may tell the reason.
    this.#sender.drop(stream);
    stream.requestEnded = true;
    stream.phase = responsePhase.ended;
    this.#options.clock.afterInput(() => {
      if (stream.listener === undefined) return;
      this.#finish(stream, this.#goaway === undefined ? this.#resetFailure(code) : this.#lossOf(undefined, "unknown"));
    });
  }

  goawayReceived(received: Goaway): void {
    const before = this.#goaway;
    // A later GOAWAY may take back more, never less (RFC 9113 §6.8).
    const lastStreamId = Math.min(received.lastStreamId, before?.lastStreamId ?? received.lastStreamId);
    const goaway = { ...received, lastStreamId };
    this.#goaway = goaway;
    this.#accepting = false;
    this.#draining = true;
    if (before === undefined) this.#owner.onDraining(goaway);
    for (const stream of this.streams.values()) {
      if (stream.id > lastStreamId) {
        this.#finish(stream, goawayFailure(this.#handshake.address, goaway, stream.id));
      }
    }
    // Nothing good comes after an error: the peer is about to close, and what is open would wait for that in vain.
    if (goaway.code !== http2ErrorCode.noError) this.#lost(undefined);
    else this.#closeIfDrained();
  }

  pingAnswered(payload: Uint8Array): void {
    this.#pings.answered(payload);
  }

  settingsApplied({ maxConcurrentStreams, maxHeaderListBytes }: PeerSettings): void {
    if (this.#over) return;
    if (maxHeaderListBytes !== undefined) this.#peerMaxHeaderListBytes = maxHeaderListBytes;
    if (maxConcurrentStreams !== undefined) this.maxConcurrentStreams = maxConcurrentStreams;
    if (this.#established) {
      this.#owner.onCapacity();
      return;
    }
    this.#established = true;
    this.#accepting = true;
    if (this.#handshake.succeed(this)) return;
    // The dial was given up, and the socket with it.
    this.#over = true;
    this.#accepting = false;
    this.#reader.stop();
    this.#writer.close();
  }

  settingsAcknowledged(): void {
    this.#settingsAcknowledged = true;
  }

  /** Until it has acknowledged ours, a peer may still go by the default, where that is more. */
  get #receiveWindowBytes(): number {
    const { initialWindowBytes } = this.#options.limits;
    return this.#settingsAcknowledged ? initialWindowBytes : Math.max(initialWindowBytes, defaultWindowBytes);
  }

  #listen(): void {
    const socket = this.#socket;
    this.#handshake.read((chunk, length) => {
      if (this.#over) return;
      if (!this.#established) this.#expectHttp2(chunk, length);
      this.#reader.push(chunk, length);
    });
    socket.on("drain", () => {
      this.#queuedAnswers = 0;
      if (!this.#over) this.#sender.resume();
    });
    socket.on("end", () => this.#lost(undefined));
    socket.on("error", (error) => this.#lost(error));
    socket.on("close", () => this.#lost(undefined));
  }

  /** An HTTP/1.1 server says so in plain text, which is worth more to a reader than what it means as a frame. */
  #expectHttp2(chunk: Buffer, length: number): void {
    const text = chunk.toString("latin1", 0, Math.min(length, 64));
    if (text.startsWith("HTTP/")) this.#lost(new Error(`it answered "${text.split("\r\n")[0]}"`));
  }

  #sendPreface(): void {
    const { initialWindowBytes, maxHeaderListBytes } = this.#options.limits;
    this.#writer.preface(preface);
    this.#writer.settings([
      ...[settingId.enablePush, 0],
      ...[settingId.initialWindowSize, initialWindowBytes],
      ...[settingId.maxHeaderListSize, maxHeaderListBytes],
    ]);
    this.#responses.announceWindow();
    this.#writer.flush();
  }

  #output(pieces: readonly Uint8Array[]): void {
    const socket = this.#socket;
    if (socket.writableLength === 0) this.#queuedAnswers = 0;
    if (pieces.length === 1) {
      socket.write(pieces[0] as Uint8Array);
    } else {
      socket.cork();
      for (const piece of pieces) socket.write(piece);
      socket.uncork();
    }
    // A write that the kernel took at once needs no waiting, however large it was.
    if (socket.writableNeedDrain && socket.writableLength > 0) this.#sender.pause();
  }

  #resetFailure(code: number): Failure {
    const { address } = this.#handshake;
    const failure = resetFailure(address, code);
    // A reset that follows a GOAWAY with an error is the connection's end, not the stream's own.
    if (this.#goaway === undefined || this.#goaway.code === http2ErrorCode.noError) return failure;
    return withProgress(goawayFailure(address, this.#goaway, -1), failure.progress);
  }

  /** A stream that ends before it has begun: its listener hears so as soon as `request` has returned. */
  #tooManyHeaders(listBytes: number, listener: StreamListener): Stream {
    const stream = new WireStream(0, this, listener, 0, 0);
    stream.requestEnded = true;
    stream.phase = responsePhase.ended;
    queueMicrotask(() => {
      this.#finish(stream, {
        kind: "invalid-request",
        code: Code.ResourceExhausted,
        progress: "unsent",
        message: `the request headers have ${listBytes} bytes, and the server accepts ${this.#peerMaxHeaderListBytes}`,
        address: this.#handshake.address,
      });
    });
    return stream;
  }

  #idsExhausted(): void {
    this.#accepting = false;
    queueMicrotask(() => {
      if (!this.#over && this.#goaway === undefined) this.#owner.onDraining(undefined);
      this.drain();
    });
  }

  /** The stream is over, and known no more. */
  #forget(stream: WireStream): void {
    stream.listener = undefined;
    stream.held = undefined;
    this.#sender.drop(stream);
    this.streams.delete(stream.id);
  }

  #finish(stream: WireStream, failure: Failure | undefined): void {
    const { listener } = stream;
    this.#forget(stream);
    listener?.onClosed(failure);
    this.#streamClosed();
  }

  #streamClosed(): void {
    if (this.#over) return;
    this.#owner.onCapacity();
    if (this.#draining) this.#closeIfDrained();
  }

  #tellCapacityLater(): void {
    if (this.#capacityDue) return;
    this.#capacityDue = true;
    queueMicrotask(() => {
      this.#capacityDue = false;
      this.#streamClosed();
    });
  }

  #closeIfDrained(): void {
    if (this.#over || this.streams.size > 0) return;
    queueMicrotask(() => {
      if (this.streams.size > 0) return;
      this.#end({
        failureOf: (_, progress) => this.#lossOf(undefined, progress),
        goaway: { code: http2ErrorCode.noError, debug: "" },
        ownerFailure: undefined,
        dialError: undefined,
        isAskedFor: true,
      });
    });
  }

  #breach(code: number, message: string, debug: string): void {
    const failure = connectionFailure("connection-error", this.#handshake.address, "unknown", message);
    this.#end({
      failureOf: (_, progress) => withProgress(failure, progress),
      goaway: { code, debug },
      ownerFailure: failure,
      dialError: new Error(message),
      isAskedFor: false,
    });
  }

  #lost(cause: unknown): void {
    const goaway = this.#goaway;
    const { address } = this.#handshake;
    this.#end({
      failureOf: (stream, progress) => {
        if (goaway === undefined) return this.#lossOf(cause, progress);
        const failure = goawayFailure(address, goaway, stream.id);
        return progress === "unsent" ? withProgress(failure, "unsent") : failure;
      },
      goaway: undefined,
      ownerFailure: goaway === undefined ? this.#lossOf(cause, "unknown") : undefined,
      dialError: cause ?? new Error("the peer closed the connection"),
      isAskedFor: false,
    });
  }

  #lossOf(cause: unknown, progress: "unknown" | "unsent"): Failure {
    const why = cause === undefined ? "the peer closed it" : describeCause(cause);
    const message = `the connection was lost: ${why}`;
    return connectionFailure("connection-lost", this.#handshake.address, progress, message, cause);
  }

  #end({ failureOf, goaway, ownerFailure, dialError, isAskedFor }: Ending): void {
    if (this.#over) return;
    this.#over = true;
    this.#accepting = false;
    this.#reader.stop();
    this.#pings.clear();
    const { batch } = this.#writer;
    // Requests of this batch have not left, and now never will: that is what makes them unsent.
    this.#writer.discard();
    this.#endSocket(goaway);
    if (!this.#established) {
      this.#handshake.fail(dialError);
      return;
    }
    for (const stream of [...this.streams.values()]) {
      this.#finish(stream, failureOf(stream, stream.batch === batch ? "unsent" : "unknown"));
    }
    if (isAskedFor && !this.#socket.closed) this.#socket.once("close", () => this.#owner.onClosed(ownerFailure));
    else this.#owner.onClosed(ownerFailure);
  }

  #endSocket(goaway: Ending["goaway"]): void {
    const socket = this.#socket;
    if (goaway === undefined) {
      this.#writer.close();
      socket.destroy();
      return;
    }
    this.#writer.goaway(goaway.code, goaway.debug);
    this.#writer.flush();
    this.#writer.close();
    socket.end(() => socket.destroy());
    const { clock } = this.#options;
    const timer = clock.setTimeout(() => socket.destroy(), lingerMs);
    socket.once("close", () => clock.clearTimeout(timer));
  }
}
