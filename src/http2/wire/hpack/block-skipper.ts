import { BlockCursor, CutOffError, HpackError } from "./block-cursor.ts";
import type { DynamicTable } from "./dynamic-table.ts";
import type { HuffmanDecoder } from "./huffman.ts";
import { defaultTableBytes, staticEntries, staticTable } from "./static-table.ts";

/** A byte of text has 30 bits of Huffman code at most: what is longer than this fits into no table. */
const longestEntryCodeBytes = (defaultTableBytes * 30) / 8;

const noBytes = Buffer.alloc(0);

/**
 * Reads one header block that is too long to be kept, in pieces as they come, into nothing: all that is wanted is that the
 * table stays the peer's. It holds no more than the beginning of an entry that the table may take.
 */
export class BlockSkipper {
  readonly #table: DynamicTable;
  readonly #block: BlockCursor;
  /** What came of a step that is not whole yet. */
  #rest: Buffer = noBytes;
  /** Bytes of a string that are still to come, and strings after it that belong to the same field. */
  #stringBytes = 0;
  #strings = 0;
  #hasFields = false;

  constructor(table: DynamicTable, huffman: HuffmanDecoder) {
    this.#table = table;
    this.#block = new BlockCursor(huffman);
  }

  /** The block goes on. The piece is not kept. Throws an {@link HpackError} as a decoder does. */
  push(piece: Buffer): void {
    const bytes = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
    const block = this.#block;
    block.set(bytes, 0, bytes.length);
    let at = 0;
    try {
      while (block.at < block.end) {
        this.#step();
        at = block.at;
      }
    } catch (error) {
      // The next piece has the rest of it.
      if (!(error instanceof CutOffError)) throw error;
    }
    this.#rest = Buffer.from(bytes.subarray(at));
  }

  /** The block is over. Throws where it ended within something. */
  end(): void {
    if (this.#rest.length > 0 || this.#stringBytes > 0 || this.#strings > 0) {
      throw new CutOffError("the block ends within a field");
    }
  }

  /** Moves on by something that is whole, and changes nothing where the bytes end before it does. */
  #step(): void {
    const block = this.#block;
    if (this.#stringBytes > 0) {
      const bytes = Math.min(this.#stringBytes, block.end - block.at);
      this.#stringBytes -= bytes;
      block.at += bytes;
    } else if (this.#strings > 0) {
      this.#stringBytes = block.stringLength();
      this.#strings--;
    } else {
      this.#representation();
    }
  }

  /** RFC 7541 §6. */
  #representation(): void {
    const block = this.#block;
    const { first } = block;
    if ((first & 0xe0) === 0x20) {
      if (this.#hasFields) throw new HpackError("a table size update follows a field");
      this.#table.resize(block.integer(0x1f));
      return;
    }
    if ((first & 0x80) !== 0) {
      const index = block.integer(0x7f);
      if (index === 0) throw new HpackError("an indexed field has the index 0");
      this.#table.check(index);
    } else if ((first & 0x40) !== 0) {
      this.#indexedLiteral(block.integer(0x3f));
    } else {
      this.#literal(block.integer(0x0f));
    }
    this.#hasFields = true;
  }

  #literal(nameIndex: number): void {
    this.#table.check(nameIndex);
    this.#strings = nameIndex === 0 ? 2 : 1;
  }

  #indexedLiteral(nameIndex: number): void {
    this.#table.check(nameIndex);
    const block = this.#block;
    const start = block.at;
    const name = nameIndex === 0 ? this.#entryString() : this.#nameAt(nameIndex);
    const value = name === undefined ? undefined : this.#entryString();
    if (name !== undefined && value !== undefined) {
      this.#table.add(name, value);
      return;
    }
    // RFC 7541 §4.4: what is larger than the table empties it.
    this.#table.clear();
    block.at = start;
    this.#strings = nameIndex === 0 ? 2 : 1;
  }

  /** Undefined for what no table takes, of which not all need be there. */
  #entryString(): string | undefined {
    const block = this.#block;
    const start = block.at;
    if (block.stringLength() > longestEntryCodeBytes) return undefined;
    block.at = start;
    return block.string();
  }

  #nameAt(index: number): string {
    return index <= staticEntries
      ? (staticTable[index * 2 - 2] as string)
      : this.#table.nameAt(index - staticEntries - 1);
  }
}
