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
  /** What is still incomplete: pieces of a prefix, or of a message after its prefix. */
  #pieces: Uint8Array[] = [];
  #pendingBytes = 0;
  /** Bytes that complete what is pending. */
  #wanted = prefixBytes;
  #flag = -1;
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
    return this.#pendingBytes === 0 && this.#flag === -1;
  }

  push(chunk: Uint8Array, sink: MessageSink): void {
    if (chunk.length > 0) this.#started = true;
    let offset = 0;
    while (!this.#ended) {
      const missing = this.#wanted - this.#pendingBytes;
      const left = chunk.length - offset;
      if (left < missing) {
        if (left > 0) this.#keep(chunk.subarray(offset));
        return;
      }
      const part = this.#complete(chunk, offset, missing);
      offset += missing;
      if (this.#flag === -1) this.#prefix(part, sink);
      else {
        const flag = this.#flag;
        this.#flag = -1;
        this.#wanted = prefixBytes;
        if (!sink.message(flag, part)) this.#ended = true;
      }
    }
  }

  #keep(piece: Uint8Array): void {
    this.#pieces.push(piece);
    this.#pendingBytes += piece.length;
  }

  /** What is pending, completed by `missing` bytes of `chunk`. */
  #complete(chunk: Uint8Array, offset: number, missing: number): Uint8Array {
    const last = chunk.subarray(offset, offset + missing);
    if (this.#pendingBytes === 0) return last;
    this.#pieces.push(last);
    const whole = Buffer.concat(this.#pieces, this.#wanted);
    this.#pieces = [];
    this.#pendingBytes = 0;
    return whole;
  }

  #prefix(prefix: Uint8Array, sink: MessageSink): void {
    const [flag = 0, a = 0, b = 0, c = 0, d = 0] = prefix;
    const length = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
    if (length > this.#maxBytes) {
      this.#ended = true;
      sink.tooLarge(length);
      return;
    }
    this.#flag = flag;
    this.#wanted = length;
  }
}
