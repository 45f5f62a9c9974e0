import type { HeaderFields } from "../../connection.ts";
import { BlockCursor, HpackError } from "./block-cursor.ts";
import { BlockSkipper } from "./block-skipper.ts";
import { DynamicTable } from "./dynamic-table.ts";
import type { HuffmanDecoder } from "./huffman.ts";
import { entryOverheadBytes, staticEntries, staticTable } from "./static-table.ts";

/** What a decoder accepts of one header list. */
export interface HeaderListLimits {
  /** As SETTINGS_MAX_HEADER_LIST_SIZE counts: names, values, and 32 for each field. */
  readonly maxBytes: number;
  readonly maxFields: number;
}

/** A decoded header block. */
export interface DecodedBlock {
  readonly fields: HeaderFields;
  /** The list is above the limits: `fields` is what came before. The table is right nevertheless. */
  readonly tooLarge: boolean;
}

/**
 * Decodes header blocks (RFC 7541). Strings are Latin-1. Every block of a connection goes through here, in order. A list
 * above the limits is read to its end all the same, because the table has to stay the peer's; no string is made for what
 * nobody will see, so that a block costs what its bytes cost, however much they stand for.
 */
export class HpackDecoder {
  readonly #huffman: HuffmanDecoder;
  readonly #limits: HeaderListLimits;
  readonly #table = new DynamicTable();
  readonly #block: BlockCursor;
  #listBytes = 0;
  #tooLarge = false;
  #fields: string[] = [];

  constructor(huffman: HuffmanDecoder, limits: HeaderListLimits) {
    this.#huffman = huffman;
    this.#limits = limits;
    this.#block = new BlockCursor(huffman);
  }

  /** Counts changes of the table: bytes that decoded to a list decode to the same one as long as this stays. */
  get changes(): number {
    return this.#table.changes;
  }

  /** Throws an {@link HpackError}, and is of no use after that. */
  decode(bytes: Buffer, start: number, end: number): DecodedBlock {
    const block = this.#block;
    block.set(bytes, start, end);
    this.#listBytes = 0;
    this.#tooLarge = false;
    this.#fields = [];
    while (block.at < end && (block.first & 0xe0) === 0x20) this.#table.resize(block.integer(0x1f));
    while (block.at < end) this.#field();
    return { fields: this.#fields, tooLarge: this.#tooLarge };
  }

  /** For one block that is too long to be kept, instead of {@link decode}. */
  skip(): BlockSkipper {
    return new BlockSkipper(this.#table, this.#huffman);
  }

  /** One representation, RFC 7541 §6. */
  #field(): void {
    const block = this.#block;
    const { first } = block;
    if ((first & 0x80) !== 0) {
      const index = block.integer(0x7f);
      if (index === 0) throw new HpackError("an indexed field has the index 0");
      if (this.#tooLarge) this.#table.check(index);
      else this.#add(this.#nameAt(index), this.#valueAt(index));
    } else if ((first & 0x40) !== 0) {
      const name = this.#name(block.integer(0x3f));
      const value = block.string();
      this.#table.add(name, value);
      this.#add(name, value);
    } else if ((first & 0x20) !== 0) {
      throw new HpackError("a table size update follows a field");
    } else {
      const index = block.integer(0x0f);
      if (this.#tooLarge) this.#skipLiteral(index);
      else this.#add(this.#name(index), block.string());
    }
  }

  #add(name: string, value: string): void {
    const { maxBytes, maxFields } = this.#limits;
    this.#listBytes += name.length + value.length + entryOverheadBytes;
    this.#tooLarge ||= this.#listBytes > maxBytes || this.#fields.length >= maxFields * 2;
    if (!this.#tooLarge) this.#fields.push(name, value);
  }

  #name(index: number): string {
    return index === 0 ? this.#block.string() : this.#nameAt(index);
  }

  #nameAt(index: number): string {
    if (index <= staticEntries) return staticTable[index * 2 - 2] as string;
    this.#table.check(index);
    return this.#table.nameAt(index - staticEntries - 1);
  }

  #valueAt(index: number): string {
    if (index <= staticEntries) return staticTable[index * 2 - 1] as string;
    this.#table.check(index);
    return this.#table.valueAt(index - staticEntries - 1);
  }

  #skipLiteral(nameIndex: number): void {
    this.#table.check(nameIndex);
    if (nameIndex === 0) this.#block.skipString();
    this.#block.skipString();
  }
}
