import type { Socket } from "node:net";
import type { Answer } from "./answers.ts";
import { flag, frameHeaderBytes, frameType, maxFrameBytes, okTrailers, prefaceBytes, setting } from "./frames.ts";
import { Output } from "./output.ts";

/** One request and what is left to send of its answer. */
export interface CannedStream {
  readonly id: number;
  /** Payloads of DATA frames to send, each at most one frame long. */
  queue: readonly Uint8Array[];
  /** The next of them, and how much of it was sent. */
  next: number;
  offset: number;
  /** The end follows when the queue is empty. */
  complete: boolean;
  headSent: boolean;
  /** What the peer may still be sent on this stream. */
  window: number;
  /** The request's DATA so far. */
  received: Uint8Array[];
}

const noBytes = new Uint8Array(0);

/** What a peer may send at once: never the limit of a benchmark. */
const receiveWindowBytes = 2 ** 30;

/**
 * One connection of a server that answers every request alike, whatever its headers say: they are not even decoded, so
 * nearly all CPU of a benchmark is its client's. Flow control, SETTINGS and PING are as RFC 9113 wants them.
 */
export class CannedHttp2 {
  readonly #socket: Socket;
  readonly #answer: Answer;
  readonly #output = new Output();
  readonly #streams = new Map<number, CannedStream>();
  #rest: Buffer | undefined;
  #prefaceLeft = prefaceBytes;
  #window = 65_535;
  #peerInitialWindow = 65_535;
  #received = 0;

  constructor(socket: Socket, answer: Answer) {
    this.#socket = socket;
    this.#answer = answer;
    socket.on("data", (chunk: Buffer) => this.#read(chunk));
    // A client that is done just goes: its process ended.
    socket.on("error", () => socket.destroy());
    const settings = Buffer.alloc(6);
    settings.writeUInt16BE(setting.initialWindowSize, 0);
    settings.writeUInt32BE(receiveWindowBytes, 2);
    this.#output.frame(frameType.settings, 0, 0, settings);
    this.#output.windowUpdate(0, receiveWindowBytes);
    this.#output.flush(socket);
  }

  #read(chunk: Buffer): void {
    let bytes = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    if (this.#prefaceLeft > 0) {
      const skipped = Math.min(this.#prefaceLeft, bytes.length);
      this.#prefaceLeft -= skipped;
      bytes = bytes.subarray(skipped);
    }
    let at = 0;
    while (bytes.length - at >= frameHeaderBytes) {
      const length = bytes.readUIntBE(at, 3);
      const end = at + frameHeaderBytes + length;
      if (end > bytes.length) break;
      const streamId = bytes.readUInt32BE(at + 5) & 0x7fffffff;
      this.#frame(bytes[at + 3] as number, bytes[at + 4] as number, streamId, bytes, at + frameHeaderBytes, end);
      at = end;
    }
    this.#rest = at < bytes.length ? bytes.subarray(at) : undefined;
    this.#output.flush(this.#socket);
  }

  #frame(type: number, flags: number, streamId: number, bytes: Buffer, from: number, to: number): void {
    if (type === frameType.headers) {
      this.#open(streamId);
      if ((flags & flag.endStream) !== 0) this.#requestEnded(streamId);
    } else if (type === frameType.data) {
      this.#data(flags, streamId, bytes, from, to);
    } else if (type === frameType.windowUpdate) {
      this.#windowUpdate(streamId, bytes.readUInt32BE(from) & 0x7fffffff);
    } else if (type === frameType.settings && (flags & flag.ack) === 0) {
      this.#settings(bytes.subarray(from, to));
    } else if (type === frameType.ping && (flags & flag.ack) === 0) {
      this.#output.frame(frameType.ping, flag.ack, 0, bytes.subarray(from, to));
    } else if (type === frameType.resetStream) {
      this.#streams.delete(streamId);
    }
  }

  #open(id: number): void {
    const stream: CannedStream = {
      id,
      queue: [],
      next: 0,
      offset: 0,
      complete: false,
      headSent: false,
      window: this.#peerInitialWindow,
      received: [],
    };
    this.#streams.set(id, stream);
  }

  #data(flags: number, streamId: number, bytes: Buffer, from: number, to: number): void {
    this.#received += to - from;
    if (this.#received > receiveWindowBytes / 4) {
      this.#output.windowUpdate(0, this.#received);
      this.#received = 0;
    }
    const stream = this.#streams.get(streamId);
    if (stream === undefined) return;
    const padded = (flags & flag.padded) !== 0;
    const payload = padded ? bytes.subarray(from + 1, to - (bytes[from] as number)) : bytes.subarray(from, to);
    if (payload.length > 0) this.#answer.data(stream, payload);
    if ((flags & flag.endStream) !== 0) this.#requestEnded(streamId);
    else this.#send(stream);
  }

  #requestEnded(streamId: number): void {
    const stream = this.#streams.get(streamId);
    if (stream === undefined || this.#answer.silent) return;
    this.#answer.end(stream);
    stream.complete = true;
    this.#send(stream);
  }

  /** Sends what the windows allow. */
  #send(stream: CannedStream): void {
    if (stream.next === stream.queue.length && !stream.complete) return;
    if (!stream.headSent) {
      stream.headSent = true;
      this.#output.frame(frameType.headers, flag.endHeaders, stream.id, this.#answer.head);
    }
    while (stream.next < stream.queue.length) {
      const payload = stream.queue[stream.next] as Uint8Array;
      const left = payload.length - stream.offset;
      const length = Math.min(left, this.#window, stream.window, maxFrameBytes);
      if (length <= 0) return;
      this.#output.frame(frameType.data, 0, stream.id, payload, stream.offset, stream.offset + length);
      this.#window -= length;
      stream.window -= length;
      stream.offset = length === left ? 0 : stream.offset + length;
      if (length === left) stream.next++;
    }
    if (!stream.complete) return;
    if (this.#answer.withoutTrailers) this.#output.frame(frameType.data, flag.endStream, stream.id, noBytes);
    else this.#output.frame(frameType.headers, flag.endHeaders | flag.endStream, stream.id, okTrailers);
    this.#streams.delete(stream.id);
  }

  #windowUpdate(streamId: number, increment: number): void {
    if (streamId === 0) {
      const wasBlocked = this.#window <= 0;
      this.#window += increment;
      if (wasBlocked) for (const stream of this.#streams.values()) this.#send(stream);
      return;
    }
    const stream = this.#streams.get(streamId);
    if (stream === undefined) return;
    stream.window += increment;
    this.#send(stream);
  }

  #settings(payload: Buffer): void {
    for (let at = 0; at + 6 <= payload.length; at += 6) {
      if (payload.readUInt16BE(at) !== setting.initialWindowSize) continue;
      const value = payload.readUInt32BE(at + 2);
      // RFC 9113 §6.9.2: open streams move by the difference.
      for (const stream of this.#streams.values()) stream.window += value - this.#peerInitialWindow;
      this.#peerInitialWindow = value;
    }
    this.#output.frame(frameType.settings, flag.ack, 0, new Uint8Array(0));
    for (const stream of this.#streams.values()) this.#send(stream);
  }
}
