import { Code } from "@connectrpc/connect";
import type { Failure } from "../../base/errors.ts";
import type { HeaderFields } from "../connection.ts";
import { http2ErrorCode } from "../error-codes.ts";
import { interimFailure, maxInterimResponses } from "../limits.ts";
import { keepPiece } from "../pieces.ts";
import type { UnreadMemory } from "../unread-memory.ts";
import type { ClosedStreams } from "./closed-streams.ts";
import type { FrameWriter } from "./frame-writer.ts";
import type { HeaderBlock } from "./header-block.ts";
import { tinyDataBytes } from "./limits.ts";
import type { ReceiveWindows } from "./receive-windows.ts";
import type { Session } from "./session.ts";
import { receive } from "./windows.ts";
import { responsePhase, type WireStream } from "./wire-stream.ts";

/** What bounds a response, beside its window. */
export interface ResponseLimits {
  readonly maxHeaderListBytes: number;
  /** Told what waits for its reader. */
  readonly unread: UnreadMemory;
}

/** The connection's parts that responses are read with. */
interface ResponseFramesParts {
  readonly session: Session;
  readonly writer: FrameWriter;
  readonly windows: ReceiveWindows;
  readonly closed: ClosedStreams;
}

/** Turns header blocks and DATA into what listeners hear, and holds the peer to RFC 9113 §8.1 and to our windows. */
export class ResponseFrames {
  /** Header blocks and DATA so far, on whatever stream. */
  piecesRead = 0;
  readonly #session: Session;
  readonly #writer: FrameWriter;
  readonly #windows: ReceiveWindows;
  readonly #limits: ResponseLimits;
  readonly #closed: ClosedStreams;
  /** Tiny frames that may come for nothing: one for each that is not, such as the prefix of a message before its body. */
  #tinyEarned = 0;
  /** What may still come on streams that we reset: the rest of their windows, of which no more than this is under way. */
  #underWayBytes = 0;

  constructor({ session, writer, windows, closed }: ResponseFramesParts, limits: ResponseLimits) {
    this.#session = session;
    this.#writer = writer;
    this.#windows = windows;
    this.#limits = limits;
    this.#closed = closed;
  }

  /** We reset the stream: what the peer sends on it until it hears of that is no flood, however small its frames are. */
  abandoned(stream: WireStream): void {
    const bytes = this.#underWayBytes + Math.max(0, stream.receiveWindowBytes);
    this.#underWayBytes = Math.min(bytes, 2 * this.#windows.connectionBytes);
  }

  headers(streamId: number, block: HeaderBlock, endStream: boolean): void {
    this.piecesRead++;
    const stream = this.#session.streams.get(streamId);
    if (stream === undefined || stream.phase === responsePhase.ended) {
      this.strayHeaders(streamId);
    } else if (block.tooLarge) {
      this.tooLarge(streamId);
    } else if (stream.phase === responsePhase.awaitingHeaders) {
      this.#head(stream, block, endStream);
    } else {
      this.#trailers(stream, block, endStream);
    }
  }

  /** A header block came on a closed stream. */
  strayHeaders(streamId: number): void {
    this.#onClosedStream("HEADERS", streamId, false);
  }

  /** A header block of the stream is above the limits. */
  tooLarge(streamId: number): void {
    const limit = this.#limits.maxHeaderListBytes;
    const message = `the server's headers or trailers are larger than maxHeaderListBytes ${limit}`;
    const failure: Failure = { kind: "protocol", code: Code.ResourceExhausted, progress: "unknown", message };
    this.#exceeded(this.#session.streams.get(streamId), failure);
  }

  data(streamId: number, endStream: boolean, chunk: Buffer, start: number, end: number, paddingBytes: number): void {
    this.piecesRead++;
    const length = end - start;
    if (length >= tinyDataBytes) this.#tinyEarned++;
    else if (!endStream && !this.#toleratesTiny(length, streamId)) return;
    const stream = this.#session.streams.get(streamId);
    if (stream === undefined && this.#session.isIdle(streamId)) {
      this.#session.breach(http2ErrorCode.protocolError, `sent DATA on the idle stream ${streamId}`);
      return;
    }
    this.#windows.receivedOnConnection(length + paddingBytes);
    if (stream === undefined || stream.phase === responsePhase.ended) {
      this.#onClosedStream("DATA", streamId, this.#wasUnderWay(length + paddingBytes));
    } else if (!receive(stream, length + paddingBytes)) {
      this.#session.malformed(stream, "sent more than the stream's window allows", http2ErrorCode.flowControlError);
    } else if (stream.phase === responsePhase.awaitingHeaders) {
      this.#session.malformed(stream, "sent DATA before HEADERS");
    } else {
      this.#body(stream, endStream, chunk, start, end, paddingBytes);
    }
  }

  /** Hands out what came while the stream was paused, until it is paused again. A complete response is not held. */
  deliverHeld(stream: WireStream): void {
    const { held } = stream;
    const isComplete = stream.phase === responsePhase.ended;
    while (held !== undefined && held.length > 0 && stream.listener !== undefined && (isComplete || !stream.paused)) {
      const bytes = held.shift() as Uint8Array;
      stream.heldBytes -= bytes.length;
      this.#limits.unread.remove(bytes.length);
      stream.listener.onData(bytes, 0, bytes.length);
      this.#windows.readOnStream(stream, bytes.length);
    }
    if (held !== undefined && held.length === 0) stream.held = undefined;
  }

  #head(stream: WireStream, block: HeaderBlock, endStream: boolean): void {
    const { status, contentLength, problem } = block.head;
    if (problem !== undefined) {
      this.#session.malformed(stream, problem);
    } else if (status < 200) {
      this.#interim(stream, status, endStream);
    } else {
      stream.phase = responsePhase.body;
      stream.expectedBytes = contentLength;
      if (endStream && !this.#isComplete(stream)) return;
      stream.listener?.onHeaders(status, block.fields, endStream);
      if (endStream) this.#end(stream, undefined);
    }
  }

  #interim(stream: WireStream, status: number, endStream: boolean): void {
    if (endStream) this.#session.malformed(stream, "ended the stream with an interim response");
    else if (status === 101) this.#session.malformed(stream, "sent status 101, which HTTP/2 does not have");
    else if (++stream.interimResponses > maxInterimResponses) this.#exceeded(stream, interimFailure);
  }

  /** The answer is more than we take. What else comes of it is ignored. */
  #exceeded(stream: WireStream | undefined, failure: Failure): void {
    if (stream !== undefined) this.#session.failStream(stream, http2ErrorCode.enhanceYourCalm, failure);
  }

  #trailers(stream: WireStream, block: HeaderBlock, endStream: boolean): void {
    const problem = endStream ? block.trailersProblem : "sent a second header block that does not end the stream";
    if (problem !== undefined) {
      this.#session.malformed(stream, problem);
    } else if (this.#isComplete(stream)) {
      this.#end(stream, block.fields);
    }
  }

  #body(stream: WireStream, endStream: boolean, chunk: Buffer, start: number, end: number, paddingBytes: number): void {
    const length = end - start;
    stream.receivedBytes += length;
    if (stream.expectedBytes !== -1) {
      if (stream.receivedBytes > stream.expectedBytes) {
        this.#session.malformed(stream, `sent more than its content-length of ${stream.expectedBytes}`);
        return;
      }
      if (endStream && !this.#isComplete(stream)) return;
    }
    if (length > 0) {
      if (stream.paused || stream.held !== undefined) {
        stream.held ??= [];
        keepPiece(stream.held, Buffer.from(chunk.subarray(start, end)));
        stream.heldBytes += length;
        this.#limits.unread.add(length);
      } else {
        stream.listener?.onData(chunk, start, end);
      }
    }
    if (endStream) this.#end(stream, undefined);
    else this.#windows.readOnStream(stream, stream.held === undefined ? length + paddingBytes : paddingBytes);
  }

  /** The peer ended the stream, in good order. */
  #end(stream: WireStream, trailers: HeaderFields | undefined): void {
    stream.phase = responsePhase.ended;
    this.deliverHeld(stream);
    if (trailers !== undefined) stream.listener?.onTrailers(trailers);
    if (stream.listener !== undefined) this.#session.responseEnded(stream);
  }

  /** Holds the response to its content-length (RFC 9113 §8.1.1). */
  #isComplete(stream: WireStream): boolean {
    const { expectedBytes, receivedBytes } = stream;
    if (expectedBytes === -1 || expectedBytes === receivedBytes) return true;
    this.#session.malformed(stream, `announced a content-length of ${expectedBytes} and sent ${receivedBytes} bytes`);
    return false;
  }

  #toleratesTiny(length: number, streamId: number): boolean {
    if (this.#tinyEarned > 0) {
      this.#tinyEarned--;
      return true;
    }
    return this.#session.tolerates(length === 0 ? "emptyData" : "tinyData", streamId);
  }

  #wasUnderWay(bytes: number): boolean {
    // What costs the windows next to nothing is counted by frames.
    if (bytes < tinyDataBytes || bytes > this.#underWayBytes) return false;
    this.#underWayBytes -= bytes;
    return true;
  }

  #onClosedStream(what: string, streamId: number, expected: boolean): void {
    if (this.#closed.wasEnded(streamId)) {
      this.#session.breach(http2ErrorCode.streamClosed, `sent ${what} on stream ${streamId}, which it had ended`);
    } else if (expected || this.#session.tolerates("stray")) {
      if (!this.#closed.wasReset(streamId) || !this.#session.answers()) return;
      // Once: after our RST_STREAM, what comes on the stream is ignored (RFC 9113 §5.1).
      this.#closed.answered(streamId);
      this.#writer.rstStream(streamId, http2ErrorCode.streamClosed);
    }
  }
}
