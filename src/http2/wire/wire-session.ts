import { Code } from "@connectrpc/connect";
import type { Failure } from "../../base/errors.ts";
import type { Clock } from "../../runtime/clock.ts";
import { type Goaway, http2ErrorCode, resetFailure } from "../error-codes.ts";
import { foreignAnswer } from "../foreign-answer.ts";
import type { Http2Limits } from "../limits.ts";
import type { UnreadMemory } from "../unread-memory.ts";
import { ClosedStreams } from "./closed-streams.ts";
import { ControlFrames } from "./control-frames.ts";
import { type Breach, lossFailure } from "./endings.ts";
import { FloodGuard } from "./flood-guard.ts";
import { FrameDispatcher } from "./frame-dispatcher.ts";
import { FrameReader } from "./frame-reader.ts";
import type { FrameWriter } from "./frame-writer.ts";
import { defaultWindowBytes } from "./frames.ts";
import { HeaderBlockReader } from "./header-block.ts";
import { HpackDecoder } from "./hpack/decoder.ts";
import type { HpackEncoder } from "./hpack/encoder.ts";
import type { HuffmanDecoder } from "./hpack/huffman.ts";
import type { Lifecycle } from "./lifecycle.ts";
import { type FloodKind, floodLimits, maxHeaderFields, maxQueuedAnswers } from "./limits.ts";
import { PendingPings } from "./pending-pings.ts";
import { ReceiveWindows } from "./receive-windows.ts";
import type { RequestSender } from "./request-sender.ts";
import { ResponseFrames } from "./response-frames.ts";
import type { PeerSettings, Session } from "./session.ts";
import type { WireSocket } from "./wire-socket.ts";
import { responsePhase, type WireStream } from "./wire-stream.ts";

/** How a peer is read, and what it may send. */
export interface WireSessionOptions {
  readonly limits: Http2Limits;
  readonly clock: Clock;
  readonly huffman: HuffmanDecoder;
  /** What all connections hold of responses. */
  readonly unread: UnreadMemory;
}

/** The connection's parts that a session works with. */
interface SessionParts {
  readonly lifecycle: Lifecycle;
  readonly socket: WireSocket;
  readonly writer: FrameWriter;
  readonly sender: RequestSender;
  readonly encoder: HpackEncoder;
}

/**
 * The peer's side of a connection: what it sends, and what that means. It takes the way {@link FrameReader} →
 * {@link FrameDispatcher} → {@link ControlFrames} or {@link ResponseFrames} → listeners.
 */
export class WireSession implements Session {
  readonly streams: ReadonlyMap<number, WireStream>;
  readonly windows: ReceiveWindows;
  readonly responses: ResponseFrames;
  readonly pings: PendingPings = new PendingPings();
  /** SETTINGS_MAX_CONCURRENT_STREAMS of the peer. */
  maxConcurrentStreams: number = Number.POSITIVE_INFINITY;
  /** SETTINGS_MAX_HEADER_LIST_SIZE of the peer. */
  maxHeaderListBytes: number = Number.POSITIVE_INFINITY;
  readonly #lifecycle: Lifecycle;
  readonly #socket: WireSocket;
  readonly #writer: FrameWriter;
  readonly #sender: RequestSender;
  readonly #clock: Clock;
  readonly #reader: FrameReader;
  readonly #guard: FloodGuard;
  readonly #closed = new ClosedStreams();
  /** When our SETTINGS left. */
  readonly #begunMs: number;
  #hasRead = false;
  #settingsAcknowledged = false;

  constructor(
    { lifecycle, socket, writer, sender, encoder }: SessionParts,
    { limits, clock, huffman, unread }: WireSessionOptions,
  ) {
    this.streams = lifecycle.streams;
    this.#lifecycle = lifecycle;
    this.#socket = socket;
    this.#writer = writer;
    this.#sender = sender;
    this.#clock = clock;
    this.#begunMs = clock.now();
    this.#guard = new FloodGuard(clock, writer);
    const { maxHeaderListBytes } = limits;
    const closed = this.#closed;
    this.windows = new ReceiveWindows({ writer, streams: this.streams, unread, clock, pings: this.pings }, limits);
    this.responses = new ResponseFrames(
      { session: this, writer, windows: this.windows, closed },
      { maxHeaderListBytes, unread },
    );
    const decoder = new HpackDecoder(huffman, { maxBytes: maxHeaderListBytes, maxFields: maxHeaderFields });
    const parts = {
      session: this,
      control: new ControlFrames(this, writer, sender, encoder),
      responses: this.responses,
      blocks: new HeaderBlockReader(decoder),
    };
    this.#reader = new FrameReader(new FrameDispatcher(parts, maxHeaderListBytes));
  }

  /** Of a new stream. Until it has acknowledged our SETTINGS, a peer may still go by the default, where that is more. */
  get receiveWindowBytes(): number {
    const bytes = this.windows.fullBytes;
    return this.#settingsAcknowledged ? bytes : Math.max(bytes, defaultWindowBytes);
  }

  /** The first `length` bytes of `chunk` came. */
  read(chunk: Buffer, length: number): void {
    if (this.#lifecycle.isOver) return;
    if (!this.#hasRead) this.#expectHttp2(chunk, length);
    this.#hasRead = true;
    this.#reader.push(chunk, length);
  }

  /** Nothing more is read. */
  stop(): void {
    this.#reader.stop();
    this.windows.close();
    this.pings.clear();
  }

  isIdle(streamId: number): boolean {
    return this.#lifecycle.isIdle(streamId);
  }

  breach(code: number, problem: string, streamId?: number): void {
    const message = `protocol error: the server ${problem}`;
    this.#lifecycle.breach({ code, message, debug: problem, culprit: culprit(streamId, Code.Internal) });
  }

  tolerates(kind: FloodKind, streamId?: number): boolean {
    if (this.#guard.allows(kind)) return true;
    this.flooded(floodLimits[kind].what, streamId);
    return false;
  }

  flooded(what: string, streamId?: number): void {
    const debug = `sent too many ${what}`;
    const code = http2ErrorCode.enhanceYourCalm;
    const message = `the server ${debug}`;
    this.#lifecycle.breach({ code, message, debug, culprit: culprit(streamId, Code.ResourceExhausted) });
  }

  answers(): boolean {
    const socket = this.#socket;
    if (++socket.queuedAnswers <= maxQueuedAnswers) return true;
    // So many in one chunk are no flood if the socket takes them.
    this.#writer.flush();
    if (socket.isEmpty) socket.queuedAnswers = 0;
    if (socket.queuedAnswers <= maxQueuedAnswers) return true;
    this.flooded("frames that want an answer, and does not read the answers");
    return false;
  }

  failStream(stream: WireStream, code: number, failure: Failure): void {
    const { listener } = stream;
    this.#lifecycle.forget(stream);
    if (this.answers()) this.#writer.rstStream(stream.id, code);
    this.responses.abandoned(stream);
    listener?.onClosed({ ...failure, address: this.#lifecycle.address });
    this.#lifecycle.streamClosed();
  }

  malformed(stream: WireStream, problem: string, code: number = http2ErrorCode.protocolError): void {
    const message = `protocol error: the server ${problem}`;
    this.failStream(stream, code, { kind: "protocol", code: Code.Internal, progress: "unknown", message });
  }

  responseEnded(stream: WireStream): void {
    // Nobody will read the rest of the request.
    if (!stream.requestEnded && this.answers()) this.#writer.rstStream(stream.id, http2ErrorCode.cancel);
    this.#closed.ended(stream.id);
    this.#lifecycle.finish(stream, undefined);
  }

  streamReset(stream: WireStream, code: number): void {
    if (stream.phase === responsePhase.ended) return;
    this.#closed.reset(stream.id);
    if (code !== http2ErrorCode.noError) {
      this.#lifecycle.finish(stream, resetFailure(this.#lifecycle.address, code));
      return;
    }
    // A server that drops its connections (session.destroy() of Node's) sends such resets ahead of its GOAWAY and FIN:
    // what follows may tell the reason.
    this.#sender.drop(stream);
    stream.requestEnded = true;
    stream.phase = responsePhase.ended;
    this.#clock.afterInput(() => {
      if (stream.listener === undefined) return;
      const { address, goaway } = this.#lifecycle;
      const failure = goaway === undefined ? resetFailure(address, code) : lossFailure(address, undefined, "unknown");
      this.#lifecycle.finish(stream, failure);
    });
  }

  goawayReceived(goaway: Goaway): void {
    this.#lifecycle.goawayReceived(goaway);
  }

  pingAnswered(payload: Uint8Array): void {
    this.pings.answered(payload);
  }

  settingsApplied({ maxConcurrentStreams, maxHeaderListBytes }: PeerSettings): void {
    if (this.#lifecycle.isOver) return;
    if (maxHeaderListBytes !== undefined) this.maxHeaderListBytes = maxHeaderListBytes;
    if (maxConcurrentStreams !== undefined) this.maxConcurrentStreams = maxConcurrentStreams;
    this.#lifecycle.settingsApplied();
  }

  settingsAcknowledged(): void {
    if (!this.#settingsAcknowledged) this.windows.tookRoundTrip(this.#clock.now() - this.#begunMs);
    this.#settingsAcknowledged = true;
  }

  /** What another server says is worth more to a reader than what it means as a frame. */
  #expectHttp2(chunk: Buffer, length: number): void {
    const foreign = foreignAnswer(chunk, length);
    if (foreign !== undefined) this.#lifecycle.lost(foreign);
  }
}

function culprit(streamId: number | undefined, code: Code): Breach["culprit"] {
  return streamId === undefined ? undefined : { streamId, code };
}
