import { huffmanCodes } from "../../../src/http2/wire/hpack/huffman.ts";
import { staticEntries, staticIndexOf, staticNameIndexOf } from "../../../src/http2/wire/hpack/static-table.ts";
import type { Chance } from "./chance.ts";

const codes = huffmanCodes();

/** Bytes of the table that a client allows by default, and what an entry costs beyond its text (RFC 7541 §4.1). */
const tableMaxBytes = 4_096;
const entryOverheadBytes = 32;

/** Encodes header blocks in all ways that HPACK knows, by chance; the table is kept as the decoder keeps it. */
export class HeaderBlocks {
  readonly #chance: Chance;
  /** Newest first. */
  #table: [name: string, value: string][] = [];
  #maxBytes = tableMaxBytes;

  constructor(chance: Chance) {
    this.#chance = chance;
  }

  /** Names and values in turn. */
  encode(...fields: string[]): Buffer {
    const parts: Buffer[] = [];
    if (this.#chance.is(0.05)) parts.push(this.#resize(this.#chance.pick([0, 100, 1_000, tableMaxBytes])));
    for (let i = 0; i < fields.length; i += 2) parts.push(this.#field(fields[i] as string, fields[i + 1] as string));
    return Buffer.concat(parts);
  }

  #field(name: string, value: string): Buffer {
    const known = staticIndexOf(name, value);
    const kept = this.#table.findIndex((entry) => entry[0] === name && entry[1] === value);
    if (known > 0 && this.#chance.is(0.8)) return integer(known, 7, 0x80);
    if (kept >= 0 && this.#chance.is(0.9)) return integer(staticEntries + 1 + kept, 7, 0x80);
    const keptName = this.#table.findIndex((entry) => entry[0] === name);
    const nameIndex =
      staticNameIndexOf(name) > 0 ? staticNameIndexOf(name) : keptName >= 0 ? staticEntries + 1 + keptName : 0;
    const index = this.#chance.is(0.8) ? nameIndex : 0;
    const form = this.#chance.pick(["literal", "never", "incremental", "incremental"]);
    const head = form === "incremental" ? integer(index, 6, 0x40) : integer(index, 4, form === "never" ? 0x10 : 0x00);
    const text = index === 0 ? [this.#text(name), this.#text(value)] : [this.#text(value)];
    if (form === "incremental") this.#add(name, value);
    return Buffer.concat([head, ...text]);
  }

  #add(name: string, value: string): void {
    this.#table.unshift([name, value]);
    this.#evict();
  }

  #resize(bytes: number): Buffer {
    this.#maxBytes = bytes;
    this.#evict();
    return integer(bytes, 5, 0x20);
  }

  #evict(): void {
    let bytes = 0;
    const fit = this.#table.findIndex(([name, value]) => {
      bytes += name.length + value.length + entryOverheadBytes;
      return bytes > this.#maxBytes;
    });
    if (fit >= 0) this.#table.length = fit;
  }

  #text(text: string): Buffer {
    const plain = Buffer.from(text, "latin1");
    const bytes = this.#chance.is(0.5) ? huffman(plain) : undefined;
    if (bytes === undefined) return Buffer.concat([integer(plain.length, 7, 0), plain]);
    return Buffer.concat([integer(bytes.length, 7, 0x80), bytes]);
  }
}

function integer(value: number, bits: number, first: number): Buffer {
  const most = 2 ** bits - 1;
  if (value < most) return Buffer.from([first | value]);
  const bytes = [first | most];
  let rest = value - most;
  for (; rest >= 128; rest >>>= 7) bytes.push(0x80 | (rest & 0x7f));
  bytes.push(rest);
  return Buffer.from(bytes);
}

function huffman(text: Buffer): Buffer {
  let bits = "";
  for (const byte of text) {
    const { code, bits: length } = codes[byte] as { code: number; bits: number };
    bits += (code >>> 0).toString(2).padStart(length, "0");
  }
  bits = bits.padEnd(Math.ceil(bits.length / 8) * 8, "1");
  return Buffer.from(bits.match(/.{8}/g)?.map((byte) => Number.parseInt(byte, 2)) ?? []);
}
