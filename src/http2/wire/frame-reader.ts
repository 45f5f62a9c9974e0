import { http2ErrorCode } from "../error-codes.ts";
import { defaultFrameBytes, frameFlag, frameHeaderBytes, frameName, frameType, readUint31 } from "./frames.ts";

/** Told of the frames that a {@link FrameReader} finds. Numbers and offsets instead of objects: this is the hot path. */
export interface FrameListener {
  /**
   * Bytes of a DATA frame, `chunk` from `start` to `end`, without padding. A frame that comes in several chunks is told
   * in as many pieces, of which the last alone may end the stream: DATA means the same however it is cut.
   * @param paddingBytes what the frame counts against the windows beyond those bytes.
   */
  onDataFrame(
    streamId: number,
    endStream: boolean,
    chunk: Buffer,
    start: number,
    end: number,
    paddingBytes: number,
  ): void;
  /** Any other frame, whole. Known ones are no longer than we allow; padding and priority are still in them. */
  onFrame(type: number, flags: number, streamId: number, payload: Buffer, start: number, end: number): void;
  /** What came on the stream is no frame that we take: a connection error. Nothing follows. */
  onFramingError(code: number, problem: string, streamId: number): void;
}

/**
 * Cuts what a socket delivers, sliced anyhow, into frames. Payload is passed on where it lies: DATA is never copied, and
 * other frames only when they come in more than one chunk. DATA with padding that does is joined as well, because it is
 * rare.
 */
export class FrameReader {
  readonly #listener: FrameListener;
  /** A header that did not come in one chunk: made for the first one. */
  #header: Buffer | undefined;
  #headerBytes = 0;
  /** The frame whose payload is not complete yet. */
  #type = 0;
  #flags = 0;
  #streamId = 0;
  /** Bytes of its payload that are still to come; -1 between frames. */
  #missing = -1;
  /** Where a frame is joined; undefined for DATA, which is not. */
  #joined: Buffer | undefined;
  #stopped = false;

  constructor(listener: FrameListener) {
    this.#listener = listener;
  }

  /** Nothing more is read, not even from the chunk at hand. */
  stop(): void {
    this.#stopped = true;
  }

  push(chunk: Buffer, length: number): void {
    let at = 0;
    if (this.#missing >= 0) at = this.#continue(chunk, 0, length);
    else if (this.#header !== undefined && this.#headerBytes > 0) {
      at = this.#continueHeader(this.#header, chunk, length);
    }
    while (at < length && !this.#stopped) {
      if (length - at < frameHeaderBytes) {
        this.#header ??= Buffer.allocUnsafeSlow(frameHeaderBytes);
        chunk.copy(this.#header, 0, at, length);
        this.#headerBytes = length - at;
        return;
      }
      at = this.#frame(chunk, at, chunk, at + frameHeaderBytes, length);
    }
  }

  /** The header lies at `headerAt` of `header`, the payload begins at `at` of `chunk`. Returns where to go on. */
  #frame(header: Buffer, headerAt: number, chunk: Buffer, at: number, chunkEnd: number): number {
    const length =
      ((header[headerAt] as number) << 16) | ((header[headerAt + 1] as number) << 8) | (header[headerAt + 2] as number);
    const type = header[headerAt + 3] as number;
    const flags = header[headerAt + 4] as number;
    const streamId = readUint31(header, headerAt + 5);
    if (length > defaultFrameBytes) {
      const problem = `sent a ${frameName(type)} frame of ${length} bytes, more than the ${defaultFrameBytes} we allow`;
      this.#error(http2ErrorCode.frameSizeError, problem, streamId);
      return at;
    }
    const end = at + length;
    if (end <= chunkEnd) {
      this.#complete(type, flags, streamId, chunk, at, end);
      return end;
    }
    this.#type = type;
    this.#flags = flags;
    this.#streamId = streamId;
    this.#missing = length;
    const passedOn = type === frameType.data && (flags & frameFlag.padded) === 0;
    this.#joined = passedOn ? undefined : Buffer.allocUnsafe(length);
    return this.#continue(chunk, at, chunkEnd);
  }

  #continueHeader(header: Buffer, chunk: Buffer, chunkEnd: number): number {
    const wanted = frameHeaderBytes - this.#headerBytes;
    chunk.copy(header, this.#headerBytes, 0, Math.min(wanted, chunkEnd));
    if (chunkEnd < wanted) {
      this.#headerBytes += chunkEnd;
      return chunkEnd;
    }
    this.#headerBytes = 0;
    return this.#frame(header, 0, chunk, wanted, chunkEnd);
  }

  /** More of a payload, from `at` on. */
  #continue(chunk: Buffer, at: number, chunkEnd: number): number {
    const end = Math.min(at + this.#missing, chunkEnd);
    const joined = this.#joined;
    if (joined !== undefined) chunk.copy(joined, joined.length - this.#missing, at, end);
    this.#missing -= end - at;
    const isLast = this.#missing === 0;
    if (isLast) this.#missing = -1;
    if (joined === undefined) {
      const ends = isLast && (this.#flags & frameFlag.endStream) !== 0;
      if (end > at) this.#listener.onDataFrame(this.#streamId, ends, chunk, at, end, 0);
    } else if (isLast) {
      this.#joined = undefined;
      this.#complete(this.#type, this.#flags, this.#streamId, joined, 0, joined.length);
    }
    return end;
  }

  #complete(type: number, flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    if (type !== frameType.data) {
      this.#listener.onFrame(type, flags, streamId, bytes, start, end);
      return;
    }
    const endStream = (flags & frameFlag.endStream) !== 0;
    if ((flags & frameFlag.padded) === 0) {
      this.#listener.onDataFrame(streamId, endStream, bytes, start, end, 0);
      return;
    }
    const padding = bytes[start] as number;
    if (end === start || padding >= end - start) {
      const problem = "sent a DATA frame whose padding is longer than the frame";
      this.#error(end === start ? http2ErrorCode.frameSizeError : http2ErrorCode.protocolError, problem, streamId);
      return;
    }
    this.#listener.onDataFrame(streamId, endStream, bytes, start + 1, end - padding, padding + 1);
  }

  #error(code: number, problem: string, streamId: number): void {
    this.stop();
    this.#listener.onFramingError(code, problem, streamId);
  }
}
