import { type FramedMessage, PrefixedMessage } from "./framed-message.ts";
import { type MessageMemory, trustedBytes } from "./message-memory.ts";
import type { MessageListener } from "./protocol.ts";

/** Length-prefixed messages, as gRPC has them (PROTOCOL-HTTP2.md): one flag byte, four bytes of length, the message. */
export const prefixBytes = 5;

/** The flag of a compressed message. */
export const compressedFlag = 1;

/** Connect's words for a message above one of its limits. */
export function tooLargeText(length: number, option: "readMaxBytes" | "writeMaxBytes", limit: number): string {
  return `message size ${length} is larger than configured ${option} ${limit}`;
}

/** A message that fits in one frame of HTTP/2's is copied behind its prefix: that costs less than another piece. */
const copiedBytes = 16_384;

/** Puts the prefix before a message: in one array out of `memory`, unless it is large. */
export function frameMessage(payload: Uint8Array, flag: number, memory: MessageMemory): FramedMessage {
  const { length } = payload;
  const isCopied = length <= copiedBytes;
  const framed = memory.allocate(isCopied ? prefixBytes + length : prefixBytes);
  framed[0] = flag;
  framed[1] = length >>> 24;
  framed[2] = length >>> 16;
  framed[3] = length >>> 8;
  framed[4] = length;
  if (!isCopied) return new PrefixedMessage(framed, payload);
  framed.set(payload, prefixBytes);
  return framed;
}

const noBytes = new Uint8Array(0);

/**
 * Cuts a stream of bytes, sliced anyhow, into messages, and copies what it is given to where its message is: once, or
 * again while a message of more than 128 KiB grows.
 */
export class MessageReader {
  readonly maxBytes: number;
  readonly #memory: MessageMemory;
  /** Bytes of the prefix that have come, and what they say so far. */
  #prefixRead = 0;
  #flag = 0;
  #messageBytes = 0;
  /** What has come of a message whose end has not: the first bytes of this. */
  #message: Uint8Array = noBytes;
  #messageRead = 0;
  #started = false;
  #ended = false;

  constructor(maxBytes: number, memory: MessageMemory) {
    this.maxBytes = maxBytes;
    this.#memory = memory;
  }

  /** True once the first byte of a message has come, its prefix included. */
  get started(): boolean {
    return this.#started;
  }

  /** True between messages: ending here loses nothing. */
  get isAtBoundary(): boolean {
    return this.#prefixRead === 0;
  }

  /**
   * Takes what is in `bytes` from `start` to `end`.
   * @returns the length of a message that is above `maxBytes`, as its prefix announces it: known before a byte of it is
   * stored, and the last that is read.
   */
  push(bytes: Uint8Array, start: number, end: number, listener: MessageListener): number | undefined {
    if (end > start) this.#started = true;
    let at = start;
    while (!this.#ended) {
      if (this.#prefixRead < prefixBytes) {
        at = this.#readPrefix(bytes, at, end);
        if (this.#prefixRead < prefixBytes) return undefined;
        if (this.#messageBytes > this.maxBytes) {
          this.#ended = true;
          return this.#messageBytes;
        }
      }
      const taken = Math.min(end - at, this.#messageBytes - this.#messageRead);
      this.#take(bytes, at, taken);
      at += taken;
      if (this.#messageRead < this.#messageBytes) return undefined;
      const message = this.#message;
      this.#message = noBytes;
      this.#messageRead = 0;
      this.#prefixRead = 0;
      if (!listener.onMessage(this.#flag, message)) this.#ended = true;
    }
    return undefined;
  }

  /** Reads what there is of the prefix: whole as a rule, and else byte by byte, for it may be cut anywhere. Returns where it stopped. */
  #readPrefix(bytes: Uint8Array, start: number, end: number): number {
    if (this.#prefixRead === 0 && end - start >= prefixBytes) {
      this.#flag = bytes[start] as number;
      this.#messageBytes = lengthAt(bytes, start + 1);
      this.#prefixRead = prefixBytes;
      return start + prefixBytes;
    }
    let at = start;
    for (; at < end && this.#prefixRead < prefixBytes; at++, this.#prefixRead++) {
      const byte = bytes[at] as number;
      if (this.#prefixRead === 0) {
        this.#flag = byte;
        this.#messageBytes = 0;
      } else {
        this.#messageBytes = this.#messageBytes * 256 + byte;
      }
    }
    return at;
  }

  #take(bytes: Uint8Array, start: number, length: number): void {
    if (length === 0) return;
    const read = this.#messageRead + length;
    if (read > this.#message.length) this.#grow(read);
    copy(bytes, start, length, this.#message, this.#messageRead);
    this.#messageRead = read;
  }

  #grow(wanted: number): void {
    const message = this.#memory.allocate(trustedBytes(this.#messageBytes, wanted));
    if (this.#messageRead > 0) message.set(this.#message.subarray(0, this.#messageRead));
    this.#message = message;
  }
}

/** The four bytes of a length, which may be above what bitwise operators give back as positive. */
function lengthAt(bytes: Uint8Array, at: number): number {
  const high = ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
  return high * 65_536 + (((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number));
}

/** Up to here copying byte by byte costs less than another view of the bytes. */
const loopBytes = 64;

function copy(from: Uint8Array, start: number, length: number, to: Uint8Array, at: number): void {
  if (length > loopBytes) to.set(new Uint8Array(from.buffer, from.byteOffset + start, length), at);
  else for (let i = 0; i < length; i++) to[at + i] = from[start + i] as number;
}
