/** gRPC's length-prefixed messages (PROTOCOL-HTTP2.md): one flag byte, four bytes of length, the message. */
const prefixBytes = 5;

/** The flag of a compressed message. */
export const compressedFlag = 1;

/** Puts the prefix before a message, in one array. */
export function frameMessage(payload: Uint8Array, flag: number): Uint8Array {
  const { length } = payload;
  const framed = Buffer.allocUnsafe(prefixBytes + length);
  framed[0] = flag;
  framed.writeUInt32BE(length, 1);
  framed.set(payload, prefixBytes);
  return framed;
}

/** Told of each message. */
export interface MessageSink {
  /** `payload` belongs to the sink. Returning false ends the reading: the reader takes no further bytes. */
  message(flag: number, payload: Uint8Array): boolean;
  /** The prefix announces more than `maxBytes`: known before a byte of the message is stored. */
  tooLarge(length: number): void;
}

/** Cuts a stream of bytes, sliced anyhow, into messages. A message within one chunk is passed on without a copy. */
export class MessageReader {
  readonly #maxBytes: number;
  /** Bytes of the prefix that have come, and what they say so far. */
  #prefixRead = 0;
  #flag = 0;
  #messageBytes = 0;
  /** Pieces of a message whose end has not come. */
  #pieces: Uint8Array[] = [];
  #pendingBytes = 0;
  #started = false;
  #ended = false;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** True once the first byte of a message has come, its prefix included. */
  get started(): boolean {
    return this.#started;
  }

  /** True between messages: ending here loses nothing. */
  get isAtBoundary(): boolean {
    return this.#prefixRead === 0;
  }

  push(chunk: Uint8Array, sink: MessageSink): void {
    const { length } = chunk;
    if (length > 0) this.#started = true;
    let offset = 0;
    while (!this.#ended) {
      if (this.#prefixRead < prefixBytes) {
        offset = this.#readPrefix(chunk, offset);
        if (this.#prefixRead < prefixBytes) return;
        if (this.#messageBytes > this.#maxBytes) {
          this.#ended = true;
          sink.tooLarge(this.#messageBytes);
          return;
        }
      }
      const missing = this.#messageBytes - this.#pendingBytes;
      if (length - offset < missing) {
        if (length > offset) this.#keep(plainView(chunk, offset, length - offset));
        return;
      }
      const payload = this.#complete(plainView(chunk, offset, missing));
      offset += missing;
      const flag = this.#flag;
      this.#prefixRead = 0;
      if (!sink.message(flag, payload)) this.#ended = true;
    }
  }

  /** Reads what there is of the prefix, byte by byte, for it may be cut anywhere. Returns where it stopped. */
  #readPrefix(chunk: Uint8Array, from: number): number {
    let offset = from;
    for (; offset < chunk.length && this.#prefixRead < prefixBytes; offset++, this.#prefixRead++) {
      const byte = chunk[offset] as number;
      if (this.#prefixRead === 0) {
        this.#flag = byte;
        this.#messageBytes = 0;
      } else {
        this.#messageBytes = this.#messageBytes * 256 + byte;
      }
    }
    return offset;
  }

  #keep(piece: Uint8Array): void {
    this.#pieces.push(piece);
    this.#pendingBytes += piece.length;
  }

  /** The message that `last` completes. */
  #complete(last: Uint8Array): Uint8Array {
    if (this.#pendingBytes === 0) return last;
    this.#pieces.push(last);
    const whole = Buffer.concat(this.#pieces, this.#messageBytes);
    this.#pieces = [];
    this.#pendingBytes = 0;
    return plainView(whole, 0, whole.length);
  }
}

/**
 * A part of the bytes as a plain Uint8Array. A Buffer must not get to the user, whose bytes fields are views of what is
 * parsed: its `slice` shares memory where that of an Uint8Array copies.
 */
function plainView(bytes: Uint8Array, offset: number, length: number): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset + offset, length);
}
