import type { Clock } from "../../runtime/clock.ts";
import type { HeaderFields, MethodHead } from "../connection.ts";
import type { Sent } from "./flood-guard.ts";
import { frameFlag, frameHeaderBytes, frameType, readUint31, writeUint32 } from "./frames.ts";
import type { HpackEncoder } from "./hpack/encoder.ts";
import { WriteBuffer, type WriteOutput } from "./write-buffer.ts";

/** Payload above this is passed on where it lies; below, copying it costs less than another piece of a write. */
const copyMaxBytes = 4_096;

/** Encodes frames (RFC 9113 §4.1, §6), straight into the {@link WriteBuffer} with which they leave. */
export class FrameWriter implements Sent {
  readonly #buffer: WriteBuffer;
  #sentFrames = 0;
  #sentBytes = 0;
  /** The last frame is DATA of this stream, in this batch, and has its header there in the slab: more can be added. */
  #tailStreamId = 0;
  #tailBatch = 0;
  #tailAt = 0;
  #tailBytes = 0;

  constructor(output: WriteOutput, clock: Clock) {
    this.#buffer = new WriteBuffer(output, clock);
  }

  /** The batch that is being written. It has left once this has changed. */
  get batch(): number {
    return this.#buffer.batch;
  }

  get sentFrames(): number {
    return this.#sentFrames;
  }

  get sentBytes(): number {
    return this.#sentBytes;
  }

  /** The bytes that a connection begins with. */
  preface(text: string): void {
    const at = this.#buffer.reserve(text.length);
    this.#buffer.slab.write(text, at, "latin1");
  }

  /** A request's header block: HEADERS, and CONTINUATION where `maxFrameBytes` demands it. Leaves the stream open. */
  headers(
    streamId: number,
    encoder: HpackEncoder,
    head: MethodHead,
    fields: HeaderFields,
    maxFrameBytes: number,
  ): void {
    const constant = encoder.head(head);
    const bound = constant.length + encoder.bound(fields);
    const endFlag = head.httpMethod === "GET" ? frameFlag.endStream : 0;
    this.#sentFrames++;
    if (bound > maxFrameBytes) {
      const block = Buffer.allocUnsafeSlow(bound);
      block.set(constant);
      this.#split(streamId, block.subarray(0, encoder.write(fields, block, constant.length)), maxFrameBytes, endFlag);
      return;
    }
    this.#tailStreamId = 0;
    const at = this.#buffer.reserve(frameHeaderBytes + bound);
    const { slab } = this.#buffer;
    const start = at + frameHeaderBytes;
    for (let i = 0; i < constant.length; i++) slab[start + i] = constant[i] as number;
    const end = encoder.write(fields, slab, start + constant.length);
    writeHeader(slab, at, end - start, frameType.headers, frameFlag.endHeaders | endFlag, streamId);
    this.#buffer.trim(end);
  }

  /** DATA, of `bytes` from `start` to `end`: at most a frame, which the windows allow. */
  data(
    streamId: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    endStream: boolean,
    maxFrameBytes: number,
  ): void {
    const length = end - start;
    const flags = endStream ? frameFlag.endStream : 0;
    this.#sentBytes += length;
    if (length > copyMaxBytes) {
      this.#tailStreamId = 0;
      const at = this.#buffer.reserve(frameHeaderBytes);
      writeHeader(this.#buffer.slab, at, length, frameType.data, flags, streamId);
      this.#buffer.append(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end));
      this.#sentFrames++;
    } else if (!this.#extendTail(streamId, bytes, start, end, flags, maxFrameBytes)) {
      const at = this.#begin(length, frameType.data, flags, streamId);
      this.#copy(bytes, start, end, at);
      this.#tailStreamId = streamId;
      this.#tailBatch = this.#buffer.batch;
      this.#tailAt = at - frameHeaderBytes;
      this.#tailBytes = length;
      this.#sentFrames++;
    }
    this.#buffer.flushIfLarge();
  }

  rstStream(streamId: number, code: number): void {
    const at = this.#begin(4, frameType.rstStream, 0, streamId);
    writeUint32(this.#buffer.slab, at, code);
  }

  windowUpdate(streamId: number, increment: number): void {
    const at = this.#begin(4, frameType.windowUpdate, 0, streamId);
    writeUint32(this.#buffer.slab, at, increment);
  }

  /** Identifiers and values in turn. */
  settings(values: readonly number[]): void {
    let at = this.#begin(values.length * 3, frameType.settings, 0, 0);
    const { slab } = this.#buffer;
    for (let i = 0; i < values.length; i += 2) {
      slab[at++] = 0;
      slab[at++] = values[i] as number;
      writeUint32(slab, at, values[i + 1] as number);
      at += 4;
    }
  }

  /** In its place among the other frames: what follows is encoded by the new settings. */
  settingsAck(): void {
    this.#begin(0, frameType.settings, frameFlag.ack, 0);
  }

  ping(payload: Uint8Array): void {
    const at = this.#begin(8, frameType.ping, 0, 0);
    this.#copy(payload, 0, 8, at);
  }

  /** Overtakes what waits in this batch. */
  pingAck(payload: Uint8Array): void {
    const frame = Buffer.allocUnsafe(frameHeaderBytes + 8);
    writeHeader(frame, 0, 8, frameType.ping, frameFlag.ack, 0);
    frame.set(payload, frameHeaderBytes);
    this.#buffer.overtake(frame);
  }

  goaway(code: number, debug: string): void {
    const at = this.#begin(8 + debug.length, frameType.goaway, 0, 0);
    const { slab } = this.#buffer;
    // The last stream of the peer's that we processed: a server opens none.
    writeUint32(slab, at, 0);
    writeUint32(slab, at + 4, code);
    slab.write(debug, at + 8, "latin1");
  }

  /**
   * Takes back the frames of streams above `lastStreamId` that have not left. Only where no HEADERS follow on the
   * connection: the peer's header table misses those of the streams. Returns the bytes that were to count for windows.
   */
  withdrawAbove(lastStreamId: number): number {
    this.#tailStreamId = 0;
    const bytes = this.#buffer.takeBack();
    let dataBytes = 0;
    for (let at = 0; at < bytes.length; ) {
      const length = bytes.readUIntBE(at, 3);
      const end = at + frameHeaderBytes + length;
      if (readUint31(bytes, at + 5) <= lastStreamId) this.#buffer.append(bytes.subarray(at, end));
      else if (bytes[at + 3] === frameType.data) dataBytes += length;
      at = end;
    }
    return dataBytes;
  }

  /** Hands over what there is, now. */
  flush(): void {
    this.#buffer.flush();
  }

  /** Drops what has not left. */
  discard(): void {
    this.#tailStreamId = 0;
    this.#buffer.discard();
  }

  /** Nothing leaves any more. */
  close(): void {
    this.#buffer.close();
  }

  /** Adds to the DATA frame written last, if that is this stream's: small messages of a tick share a frame. */
  #extendTail(
    streamId: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    flags: number,
    maxFrameBytes: number,
  ): boolean {
    const buffer = this.#buffer;
    if (this.#tailStreamId !== streamId || this.#tailBatch !== buffer.batch) return false;
    const length = this.#tailBytes + end - start;
    if (length > maxFrameBytes || !buffer.hasRoom(end - start)) return false;
    this.#copy(bytes, start, end, buffer.reserve(end - start));
    writeHeader(buffer.slab, this.#tailAt, length, frameType.data, flags, streamId);
    this.#tailBytes = length;
    return true;
  }

  /** `endFlag`: of the first frame, which is the one that may end the stream (RFC 9113 §6.2). */
  #split(streamId: number, block: Uint8Array, maxFrameBytes: number, endFlag: number): void {
    for (let start = 0; start < block.length; start += maxFrameBytes) {
      const end = Math.min(start + maxFrameBytes, block.length);
      const type = start === 0 ? frameType.headers : frameType.continuation;
      const flags = (end === block.length ? frameFlag.endHeaders : 0) | (start === 0 ? endFlag : 0);
      const at = this.#begin(end - start, type, flags, streamId);
      this.#copy(block, start, end, at);
    }
  }

  /** Writes a frame's header, and makes room for its payload. Returns where in the slab that goes. */
  #begin(length: number, type: number, flags: number, streamId: number): number {
    this.#tailStreamId = 0;
    const at = this.#buffer.reserve(frameHeaderBytes + length);
    writeHeader(this.#buffer.slab, at, length, type, flags, streamId);
    return at + frameHeaderBytes;
  }

  #copy(bytes: Uint8Array, start: number, end: number, at: number): void {
    this.#buffer.slab.set(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end), at);
  }
}

function writeHeader(
  into: Uint8Array,
  at: number,
  length: number,
  type: number,
  flags: number,
  streamId: number,
): void {
  into[at] = length >>> 16;
  into[at + 1] = length >>> 8;
  into[at + 2] = length;
  into[at + 3] = type;
  into[at + 4] = flags;
  writeUint32(into, at + 5, streamId);
}
