import type { FrameWriter } from "./frame-writer.ts";
import { defaultFrameBytes, defaultWindowBytes } from "./frames.ts";
import { grow } from "./windows.ts";
import type { WireStream } from "./wire-stream.ts";

/** A `write` that leaves more than this waiting returns false, and `onWritable` comes at half of it. */
const highWaterBytes = 65_536;

/** Nothing else can leave while a frame does: neither other calls nor PINGs, nor the end of the very stream. */
const longestFrameBytes = 65_536;

const noBytes = new Uint8Array(0);

/**
 * Sends request bodies as far as the peer's windows and the socket allow; what does not go waits on its stream. Streams
 * that could send but for the connection take turns, a frame each.
 */
export class RequestSender {
  #maxFrameBytes: number = defaultFrameBytes;
  readonly #writer: FrameWriter;
  /** Windows of the peer: the connection's, and what a new stream starts with. */
  #windowBytes: number = defaultWindowBytes;
  #initialWindowBytes: number = defaultWindowBytes;
  #congested = false;
  /** Streams with bytes and a window that wait for the connection's window or the socket, in the order of their turn. Made for the first. */
  #queue: Set<WireStream> | undefined;

  constructor(writer: FrameWriter) {
    this.#writer = writer;
  }

  get windowBytes(): number {
    return this.#windowBytes;
  }

  get initialWindowBytes(): number {
    return this.#initialWindowBytes;
  }

  /** SETTINGS_MAX_FRAME_SIZE of the peer, as far as we go along with it. */
  get maxFrameBytes(): number {
    return this.#maxFrameBytes;
  }

  setMaxFrame(bytes: number): void {
    this.#maxFrameBytes = Math.min(bytes, longestFrameBytes);
  }

  /** Returns false when more than a little waits now. */
  write(stream: WireStream, bytes: Uint8Array): boolean {
    if (stream.requestEnded || stream.endRequested || bytes.length === 0) return true;
    this.#put(stream, bytes, false);
    stream.owesWritable = stream.waitingBytes > highWaterBytes;
    return !stream.owesWritable;
  }

  end(stream: WireStream, bytes: Uint8Array = noBytes): void {
    if (stream.requestEnded || stream.endRequested) return;
    stream.owesWritable = false;
    this.#put(stream, bytes, true);
  }

  /** The stream sends nothing more. */
  drop(stream: WireStream): void {
    // Asked first: the queue is seldom of use, and a Set takes a call into C++ to look for an object.
    if (this.#queue !== undefined && this.#queue.size > 0) this.#queue.delete(stream);
    stream.dropWaiting();
    stream.owesWritable = false;
  }

  /** The socket holds bytes that it cannot get rid of: DATA waits. */
  pause(): void {
    this.#congested = true;
  }

  /** The socket is empty. Calls listeners. */
  resume(): void {
    this.#congested = false;
    this.#pump();
  }

  /** The peer's credit for one stream. Returns false when it is more than a window may have. Calls listeners. */
  growStream(stream: WireStream, increment: number): boolean {
    const grown = grow(stream.sendWindowBytes, increment);
    if (grown === undefined) return false;
    stream.sendWindowBytes = grown;
    if (stream.waitingBytes > 0 && grown > 0) {
      this.#enqueue(stream);
      this.#pump();
    }
    return true;
  }

  /** The peer's credit for the connection, likewise. */
  growConnection(increment: number): boolean {
    const grown = grow(this.#windowBytes, increment);
    if (grown === undefined) return false;
    this.#windowBytes = grown;
    this.#pump();
    return true;
  }

  /**
   * SETTINGS_INITIAL_WINDOW_SIZE: changes the window of every open stream by the difference (RFC 9113 §6.9.2). What may
   * leave by that leaves with {@link settingsAcknowledged}.
   */
  setInitialWindow(bytes: number, streams: Iterable<WireStream>): boolean {
    const difference = bytes - this.#initialWindowBytes;
    this.#initialWindowBytes = bytes;
    for (const stream of streams) {
      const grown = grow(stream.sendWindowBytes, difference);
      if (grown === undefined) return false;
      stream.sendWindowBytes = grown;
      if (stream.waitingBytes > 0 && grown > 0) this.#enqueue(stream);
    }
    return true;
  }

  /** The peer's settings were acknowledged: for the peer they hold from there on (RFC 9113 §6.5.3). Calls listeners. */
  settingsAcknowledged(): void {
    this.#pump();
  }

  #put(stream: WireStream, bytes: Uint8Array, isEnd: boolean): void {
    const fits =
      bytes.length <= stream.sendWindowBytes &&
      bytes.length <= this.#windowBytes &&
      bytes.length <= this.#maxFrameBytes;
    if (bytes.length === 0 ? stream.waitingBytes === 0 : fits && stream.waitingBytes === 0 && !this.#congested) {
      // The usual case: a small body, and nothing in its way.
      this.#frame(stream, bytes, 0, bytes.length, isEnd);
      return;
    }
    stream.endRequested = isEnd;
    if (bytes.length === 0) return;
    if (stream.waiting === undefined) stream.waiting = [bytes];
    else stream.waiting.push(bytes);
    stream.waitingBytes += bytes.length;
    while (this.#canSend(stream)) this.#sendWaiting(stream);
    if (stream.waitingBytes > 0 && stream.sendWindowBytes > 0) this.#enqueue(stream);
  }

  #canSend(stream: WireStream): boolean {
    return stream.waitingBytes > 0 && stream.sendWindowBytes > 0 && this.#windowBytes > 0 && !this.#congested;
  }

  /** Sends one frame of what waits. */
  #sendWaiting(stream: WireStream): void {
    const waiting = stream.waiting as Uint8Array[];
    const first = waiting[0] as Uint8Array;
    const start = stream.waitingOffset;
    const end = start + Math.min(first.length - start, stream.sendWindowBytes, this.#windowBytes, this.#maxFrameBytes);
    stream.waitingBytes -= end - start;
    if (end < first.length) {
      stream.waitingOffset = end;
    } else {
      stream.waitingOffset = 0;
      waiting.shift();
    }
    this.#frame(stream, first, start, end, stream.endRequested && stream.waitingBytes === 0);
  }

  #frame(stream: WireStream, bytes: Uint8Array, start: number, end: number, endStream: boolean): void {
    stream.sendWindowBytes -= end - start;
    this.#windowBytes -= end - start;
    if (endStream) stream.requestEnded = true;
    this.#writer.data(stream.id, bytes, start, end, endStream, this.#maxFrameBytes);
  }

  #enqueue(stream: WireStream): void {
    this.#queue ??= new Set();
    this.#queue.add(stream);
  }

  #pump(): void {
    // A stream that is added again while the set is walked gets its next turn at the end of it.
    const queue = this.#queue;
    if (queue === undefined) return;
    for (const stream of queue) {
      if (this.#windowBytes <= 0 || this.#congested) return;
      queue.delete(stream);
      if (this.#canSend(stream)) this.#sendWaiting(stream);
      if (stream.waitingBytes > 0 && stream.sendWindowBytes > 0) this.#enqueue(stream);
      if (stream.owesWritable && stream.waitingBytes <= highWaterBytes / 2) {
        stream.owesWritable = false;
        stream.listener?.onWritable();
      }
    }
  }
}
