import type { HuffmanDecoder } from "./huffman.ts";

/** The peer's header block is no valid HPACK: its table and ours differ from now on, so the connection is lost. */
export class HpackError extends Error {
  override readonly name: string = "HpackError";
}

/** The bytes end before the block does. More may come where it is read in pieces. */
export class CutOffError extends HpackError {
  override readonly name: string = "CutOffError";
}

/** The largest integer that is read: far above any length or index that is not refused anyway. */
const largestInteger = 2 ** 24;

const noBytes = Buffer.alloc(0);

/** A place in a header block, and the primitives that are read from there (RFC 7541 §5). Each moves the place on. */
export class BlockCursor {
  bytes: Buffer = noBytes;
  at = 0;
  end = 0;
  readonly #huffman: HuffmanDecoder;

  constructor(huffman: HuffmanDecoder) {
    this.#huffman = huffman;
  }

  set(bytes: Buffer, start: number, end: number): void {
    this.bytes = bytes;
    this.at = start;
    this.end = end;
  }

  /** The byte at the place: the first of a representation. */
  get first(): number {
    return this.bytes[this.at] as number;
  }

  /** An integer whose first bits share a byte with something else (§5.1). */
  integer(mask: number): number {
    const first = (this.bytes[this.at++] as number) & mask;
    if (first < mask) return first;
    let value = mask;
    for (let factor = 1; this.at < this.end; factor *= 128) {
      const byte = this.bytes[this.at++] as number;
      value += (byte & 0x7f) * factor;
      if (value > largestInteger || factor > largestInteger) throw new HpackError("an integer is too large");
      if ((byte & 0x80) === 0) return value;
    }
    throw new CutOffError("the block ends within an integer");
  }

  /** The length of a string literal (§5.2). Its bytes follow. */
  stringLength(): number {
    if (this.at >= this.end) throw new CutOffError("the block ends before a string");
    return this.integer(0x7f);
  }

  /** A string literal. */
  string(): string {
    const isHuffman = (this.first & 0x80) !== 0;
    const start = this.#jump();
    if (!isHuffman) return this.bytes.toString("latin1", start, this.at);
    const text = this.#huffman.decode(this.bytes, start, this.at);
    if (text === undefined) throw new HpackError("a string is not valid Huffman code");
    return text;
  }

  /** A string literal that nobody will see: none is made. */
  skipString(): void {
    this.#jump();
  }

  /** Moves behind a string, and returns where its bytes begin. */
  #jump(): number {
    const length = this.stringLength();
    const start = this.at;
    this.at += length;
    if (this.at > this.end) throw new CutOffError("the block ends within a string");
    return start;
  }
}
