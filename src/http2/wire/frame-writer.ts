import type { Clock } from "../../runtime/clock.ts";
import type { HeaderFields, MethodHead } from "../connection.ts";
import { frameFlag, frameHeaderBytes, frameType, writeUint32 } from "./frames.ts";
import type { HpackEncoder } from "./hpack/encoder.ts";

/** Takes what is to be written to the socket, in order. The writer never touches these bytes again. */
export type FrameOutput = (pieces: readonly Uint8Array[]) => void;

/** Payload above this is passed on where it lies; below, copying it costs less than another piece of a write. */
const copyMaxBytes = 4_096;

/** A batch that has grown to this leaves before the tick is over: the peer may start, and we need not keep it. */
const batchMaxBytes = 131_072;

/** Memory comes in slabs, which grow while they are used up, so that an idle connection holds next to nothing. */
const firstSlabBytes = 1_024;
const largestSlabBytes = 32_768;

/**
 * Writes frames, and hands all of one tick to the socket at once: a system call costs as much as several calls.
 *
 * Small frames are written one after another into a slab that is never used twice, so nothing waits for the socket to
 * be done with it. The tick ends after everything that arrived in this turn of the loop, on whatever socket, has been
 * handled; it may have led to calls that can share the write. Ending the tick earlier, by
 * `process.nextTick` or a microtask, was measured to save a lone call nothing.
 */
export class FrameWriter {
  readonly #output: FrameOutput;
  readonly #clock: Clock;
  #slab = Buffer.allocUnsafeSlow(firstSlabBytes);
  /** Where the part of the slab that is not yet a piece begins, and where the next frame goes. */
  #start = 0;
  #at = 0;
  #pieces: Uint8Array[] = [];
  #piecesBytes = 0;
  /** PING answers: they leave before everything else of the batch. */
  #urgent: Uint8Array[] = [];
  #scheduled = false;
  #closed = false;
  #batch = 0;
  #sentFrames = 0;
  /** The last frame is DATA of this stream with its header there in the slab: more can be added to it. */
  #tailStreamId = 0;
  #tailAt = 0;

  constructor(output: FrameOutput, clock: Clock) {
    this.#output = output;
    this.#clock = clock;
  }

  /** The batch that is being written. It has left once this has changed. */
  get batch(): number {
    return this.#batch;
  }

  /** HEADERS and DATA frames so far. */
  get sentFrames(): number {
    return this.#sentFrames;
  }

  /** The bytes that a connection begins with. */
  preface(text: string): void {
    this.#reserve(text.length);
    this.#at += this.#slab.write(text, this.#at, "latin1");
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
    this.#sentFrames++;
    if (bound > maxFrameBytes) {
      const block = Buffer.allocUnsafeSlow(bound);
      block.set(constant);
      this.#split(streamId, block.subarray(0, encoder.write(fields, block, constant.length)), maxFrameBytes);
      return;
    }
    this.#reserve(frameHeaderBytes + bound);
    const slab = this.#slab;
    const at = this.#at + frameHeaderBytes;
    for (let i = 0; i < constant.length; i++) slab[at + i] = constant[i] as number;
    const end = encoder.write(fields, slab, at + constant.length);
    this.#header(end - at, frameType.headers, frameFlag.endHeaders, streamId);
    this.#at = end;
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
    if (length > copyMaxBytes) {
      this.#reserve(frameHeaderBytes);
      this.#header(length, frameType.data, flags, streamId);
      this.#seal();
      this.#pieces.push(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end));
      this.#piecesBytes += length;
      this.#sentFrames++;
    } else if (!this.#extendTail(streamId, bytes, start, end, flags, maxFrameBytes)) {
      this.#reserve(frameHeaderBytes + length);
      this.#tailStreamId = streamId;
      this.#tailAt = this.#at;
      writeHeader(this.#slab, this.#at, length, frameType.data, flags, streamId);
      this.#at += frameHeaderBytes;
      this.#copy(bytes, start, end);
      this.#sentFrames++;
    }
    if (this.#piecesBytes + this.#at - this.#start > batchMaxBytes) this.flush();
  }

  rstStream(streamId: number, code: number): void {
    this.#reserve(frameHeaderBytes + 4);
    this.#header(4, frameType.rstStream, 0, streamId);
    this.#uint32(code);
  }

  windowUpdate(streamId: number, increment: number): void {
    this.#reserve(frameHeaderBytes + 4);
    this.#header(4, frameType.windowUpdate, 0, streamId);
    this.#uint32(increment);
  }

  /** Identifiers and values in turn. */
  settings(values: readonly number[]): void {
    const length = values.length * 3;
    this.#reserve(frameHeaderBytes + length);
    this.#header(length, frameType.settings, 0, 0);
    for (let i = 0; i < values.length; i += 2) {
      this.#slab[this.#at++] = 0;
      this.#slab[this.#at++] = values[i] as number;
      this.#uint32(values[i + 1] as number);
    }
  }

  /** In its place among the other frames: what follows is encoded by the new settings. */
  settingsAck(): void {
    this.#reserve(frameHeaderBytes);
    this.#header(0, frameType.settings, frameFlag.ack, 0);
  }

  ping(payload: Uint8Array): void {
    this.#reserve(frameHeaderBytes + 8);
    this.#header(8, frameType.ping, 0, 0);
    this.#copy(payload, 0, 8);
  }

  /** Overtakes what waits in this batch. */
  pingAck(payload: Uint8Array): void {
    const frame = Buffer.allocUnsafe(frameHeaderBytes + 8);
    writeHeader(frame, 0, 8, frameType.ping, frameFlag.ack, 0);
    frame.set(payload, frameHeaderBytes);
    this.#urgent.push(frame);
    this.#schedule();
  }

  goaway(code: number, debug: string): void {
    this.#reserve(frameHeaderBytes + 8 + debug.length);
    this.#header(8 + debug.length, frameType.goaway, 0, 0);
    // The last stream of the peer's that we processed: a server opens none.
    this.#uint32(0);
    this.#uint32(code);
    this.#at += this.#slab.write(debug, this.#at, "latin1");
  }

  /** Hands over what there is, now. */
  flush(): void {
    this.#seal();
    if (this.#pieces.length === 0 && this.#urgent.length === 0) return;
    const pieces = this.#urgent.length === 0 ? this.#pieces : [...this.#urgent, ...this.#pieces];
    this.#urgent = [];
    this.#pieces = [];
    this.#piecesBytes = 0;
    this.#batch++;
    this.#output(pieces);
  }

  /** Drops what has not left. */
  discard(): void {
    this.#seal();
    this.#urgent = [];
    this.#pieces = [];
    this.#piecesBytes = 0;
  }

  /** Nothing leaves any more. */
  close(): void {
    this.discard();
    this.#closed = true;
  }

  readonly #onTickEnd = (): void => {
    this.#scheduled = false;
    if (!this.#closed) this.flush();
  };

  #schedule(): void {
    if (this.#scheduled || this.#closed) return;
    this.#scheduled = true;
    this.#clock.afterInput(this.#onTickEnd);
  }

  /** Makes room in the slab for the next frame, which begins now. */
  #reserve(bytes: number): void {
    this.#tailStreamId = 0;
    if (this.#at + bytes > this.#slab.length) {
      this.#seal();
      const next = Math.max(bytes, Math.min(largestSlabBytes, this.#slab.length * 2));
      this.#slab = Buffer.allocUnsafeSlow(next);
      this.#start = 0;
      this.#at = 0;
    }
    this.#schedule();
  }

  /** What was written into the slab becomes a piece. */
  #seal(): void {
    this.#tailStreamId = 0;
    if (this.#at === this.#start) return;
    this.#pieces.push(this.#slab.subarray(this.#start, this.#at));
    this.#piecesBytes += this.#at - this.#start;
    this.#start = this.#at;
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
    if (this.#tailStreamId !== streamId || this.#at + end - start > this.#slab.length) return false;
    const length = this.#at - this.#tailAt - frameHeaderBytes + end - start;
    if (length > maxFrameBytes) return false;
    writeHeader(this.#slab, this.#tailAt, length, frameType.data, flags, streamId);
    this.#copy(bytes, start, end);
    return true;
  }

  #split(streamId: number, block: Uint8Array, maxFrameBytes: number): void {
    for (let at = 0; at < block.length; at += maxFrameBytes) {
      const end = Math.min(at + maxFrameBytes, block.length);
      const type = at === 0 ? frameType.headers : frameType.continuation;
      this.#reserve(frameHeaderBytes + end - at);
      this.#header(end - at, type, end === block.length ? frameFlag.endHeaders : 0, streamId);
      this.#copy(block, at, end);
    }
  }

  #header(length: number, type: number, flags: number, streamId: number): void {
    writeHeader(this.#slab, this.#at, length, type, flags, streamId);
    this.#at += frameHeaderBytes;
  }

  #uint32(value: number): void {
    writeUint32(this.#slab, this.#at, value);
    this.#at += 4;
  }

  #copy(bytes: Uint8Array, start: number, end: number): void {
    this.#slab.set(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end), this.#at);
    this.#at += end - start;
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
