import type { Socket } from "node:net";
import { frameHeaderBytes, frameType } from "./frames.ts";

const initialBytes = 65_536;

/** Collects the frames of one tick, so that they leave in one write. */
export class Output {
  #buffer = Buffer.allocUnsafe(initialBytes);
  #length = 0;

  /** One frame whose payload is `payload.subarray(from, to)`. */
  frame(type: number, flags: number, streamId: number, payload: Uint8Array, from = 0, to = payload.length): void {
    const length = to - from;
    const buffer = this.#room(frameHeaderBytes + length);
    let at = this.#length;
    buffer[at++] = length >>> 16;
    buffer[at++] = length >>> 8;
    buffer[at++] = length;
    buffer[at++] = type;
    buffer[at++] = flags;
    buffer[at++] = streamId >>> 24;
    buffer[at++] = streamId >>> 16;
    buffer[at++] = streamId >>> 8;
    buffer[at++] = streamId;
    if (length <= 64) for (let i = from; i < to; i++) buffer[at++] = payload[i] as number;
    else buffer.set(from === 0 && to === payload.length ? payload : payload.subarray(from, to), at);
    this.#length += frameHeaderBytes + length;
  }

  windowUpdate(streamId: number, increment: number): void {
    const payload = Buffer.alloc(4);
    payload.writeUInt32BE(increment);
    this.frame(frameType.windowUpdate, 0, streamId, payload);
  }

  flush(socket: Socket): void {
    if (this.#length === 0) return;
    socket.write(this.#buffer.subarray(0, this.#length));
    // The socket keeps what it was given until it is written: what is left of the buffer may still be used.
    const rest = this.#buffer.subarray(this.#length);
    this.#buffer = rest.length < 4_096 ? Buffer.allocUnsafe(initialBytes) : rest;
    this.#length = 0;
  }

  #room(bytes: number): Buffer {
    if (this.#length + bytes > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(initialBytes, 2 * (this.#length + bytes)));
      this.#buffer.copy(larger, 0, 0, this.#length);
      this.#buffer = larger;
    }
    return this.#buffer;
  }
}
