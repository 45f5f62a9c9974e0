import type { HeaderFields } from "../../connection.ts";
import { headerBombBytes } from "../limits.ts";
import { DynamicTable } from "./dynamic-table.ts";
import type { HuffmanDecoder } from "./huffman.ts";
import { entryOverheadBytes, staticEntries, staticTable } from "./static-table.ts";

/** The peer's header block is no valid HPACK: its table and ours differ from now on, so the connection is lost. */
export class HpackError extends Error {
  override readonly name = "HpackError";
}

/** The list is so far above the limits that reading it to its end, which keeping the table right would take, is too much. */
export class HeaderBombError extends Error {
  override readonly name = "HeaderBombError";
}

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

/** The largest integer that is read: far above any length or index that is not refused anyway. */
const largestInteger = 2 ** 24;

/** Decodes header blocks (RFC 7541). Strings are Latin-1. Every block of a connection goes through here, in order. */
export class HpackDecoder {
  readonly #huffman: HuffmanDecoder;
  readonly #limits: HeaderListLimits;
  readonly #bombBytes: number;
  readonly #table = new DynamicTable();
  #changes = 0;
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;
  #end = 0;
  #listBytes = 0;
  #tooLarge = false;
  #fields: string[] = [];

  constructor(huffman: HuffmanDecoder, limits: HeaderListLimits) {
    this.#huffman = huffman;
    this.#limits = limits;
    this.#bombBytes = headerBombBytes(limits.maxBytes);
  }

  /** Counts changes of the table: bytes that decoded to a list decode to the same one as long as this stays. */
  get changes(): number {
    return this.#changes;
  }

  /** Throws an {@link HpackError} or a {@link HeaderBombError}, and is of no use after either. */
  decode(bytes: Buffer, start: number, end: number): DecodedBlock {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
    this.#listBytes = 0;
    this.#tooLarge = false;
    this.#fields = [];
    while (this.#at < end && ((bytes[this.#at] as number) & 0xe0) === 0x20) this.#sizeUpdate();
    while (this.#at < end) this.#field();
    return { fields: this.#fields, tooLarge: this.#tooLarge };
  }

  /** One representation, RFC 7541 §6. */
  #field(): void {
    const first = this.#bytes[this.#at] as number;
    if ((first & 0x80) !== 0) {
      const index = this.#integer(0x7f);
      if (index === 0) throw new HpackError("an indexed field has the index 0");
      this.#add(this.#nameAt(index), this.#valueAt(index));
    } else if ((first & 0x40) !== 0) {
      const name = this.#name(this.#integer(0x3f));
      const value = this.#string();
      this.#table.add(name, value);
      this.#changes++;
      this.#add(name, value);
    } else if ((first & 0x20) !== 0) {
      throw new HpackError("a table size update follows a field");
    } else {
      const index = this.#integer(0x0f);
      if (this.#tooLarge) this.#skipLiteral(index);
      else this.#add(this.#name(index), this.#string());
    }
  }

  #add(name: string, value: string): void {
    const { maxBytes, maxFields } = this.#limits;
    this.#listBytes += name.length + value.length + entryOverheadBytes;
    if (this.#listBytes > this.#bombBytes) throw new HeaderBombError("a header list is far too large");
    this.#tooLarge ||= this.#listBytes > maxBytes || this.#fields.length >= maxFields * 2;
    if (!this.#tooLarge) this.#fields.push(name, value);
  }

  #sizeUpdate(): void {
    const size = this.#integer(0x1f);
    if (!this.#table.resize(size)) throw new HpackError(`a table size update to ${size} is above our limit`);
    this.#changes++;
  }

  #name(index: number): string {
    return index === 0 ? this.#string() : this.#nameAt(index);
  }

  #nameAt(index: number): string {
    if (index <= staticEntries) return staticTable[index * 2 - 2] as string;
    this.#checkIndex(index);
    return this.#table.nameAt(index - staticEntries - 1);
  }

  #valueAt(index: number): string {
    if (index <= staticEntries) return staticTable[index * 2 - 1] as string;
    this.#checkIndex(index);
    return this.#table.valueAt(index - staticEntries - 1);
  }

  #checkIndex(index: number): void {
    if (index - staticEntries > this.#table.length) throw new HpackError(`the index ${index} is in no table`);
  }

  /** An integer whose first bits share a byte with something else, RFC 7541 §5.1. */
  #integer(mask: number): number {
    const first = (this.#bytes[this.#at++] as number) & mask;
    if (first < mask) return first;
    let value = mask;
    for (let factor = 1; this.#at < this.#end; factor *= 128) {
      const byte = this.#bytes[this.#at++] as number;
      value += (byte & 0x7f) * factor;
      if (value > largestInteger || factor > largestInteger) throw new HpackError("an integer is too large");
      if ((byte & 0x80) === 0) return value;
    }
    throw new HpackError("the block ends within an integer");
  }

  /** A string literal, RFC 7541 §5.2. */
  #string(): string {
    const huffman = this.#isHuffman();
    const start = this.#stringStart();
    const end = this.#at;
    if (!huffman) return this.#bytes.toString("latin1", start, end);
    const text = this.#huffman.decode(this.#bytes, start, end);
    if (text === undefined) throw new HpackError("a string is not valid Huffman code");
    return text;
  }

  #isHuffman(): boolean {
    if (this.#at >= this.#end) throw new HpackError("the block ends before a string");
    return ((this.#bytes[this.#at] as number) & 0x80) !== 0;
  }

  /** Reads a string's length and moves behind the string. */
  #stringStart(): number {
    const length = this.#integer(0x7f);
    const start = this.#at;
    this.#at += length;
    if (this.#at > this.#end) throw new HpackError("the block ends within a string");
    return start;
  }

  /** A field that nobody will see needs no strings made for it. */
  #skipLiteral(nameIndex: number): void {
    if (nameIndex > staticEntries) this.#checkIndex(nameIndex);
    for (let strings = nameIndex === 0 ? 2 : 1; strings > 0; strings--) {
      this.#isHuffman();
      this.#stringStart();
    }
  }
}
