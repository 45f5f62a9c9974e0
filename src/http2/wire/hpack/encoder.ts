import type { HeaderFields, MethodHead } from "../../connection.ts";
import { HuffmanEncoder } from "./huffman-encoder.ts";
import {
  defaultTableBytes,
  entryOverheadBytes,
  staticEntries,
  staticIndexOf,
  staticNameIndexOf,
} from "./static-table.ts";

/** Values that no table, ours or a proxy's, may keep (RFC 7541 §7.1.3). */
const sensitiveNames = new Set(["authorization", "cookie", "proxy-authorization"]);

/** First bits of a representation, RFC 7541 §6. */
const indexed = 0x80;
const withIndexing = 0x40;
const sizeUpdate = 0x20;
const neverIndexed = 0x10;
const withoutIndexing = 0x00;

/** The first bit of a string, RFC 7541 §5.2. */
const huffmanCoded = 0x80;

/** Names whose encoding is kept: more different ones than any application has; beyond, each is encoded anew. */
const keptNames = 64;

/** An integer and the first byte of a representation take at most this much, before each string. */
const integerBytes = 6;

/** nghttp2 takes no longer string, as it is encoded. */
const longestPlainString = 65_536;

/** Below this length a loop is cheaper than the way into C++. */
const shortText = 48;

const noBytes = new Uint8Array(0);

/** The encoded constant part of a request's header, valid while the table stays as it was. */
interface EncodedHead {
  readonly bytes: Uint8Array;
  readonly version: number;
}

/**
 * Encodes request headers (RFC 7541) for one connection.
 *
 * Only the constant fields of a {@link MethodHead} enter the table, and only while there is room: nothing is ever
 * evicted, so that the table soon stops changing and the encoded head of a method, a byte a field, can be kept and
 * copied. What a call adds is written as literals that no table keeps. Strings are Latin-1 and not Huffman-coded: the
 * bytes saved cost more than they weigh within a data centre. Only what some peers take in no other way is.
 */
export class HpackEncoder {
  readonly #constant: HeaderFields;
  readonly #heads = new WeakMap<MethodHead, EncodedHead>();
  readonly #names = new Map<string, Uint8Array>();
  /** By `name NUL value`: how many entries the table had with this one. */
  readonly #entries = new Map<string, number>();
  #tableBytes = 0;
  #maxTableBytes = defaultTableBytes;
  /** Changes with the table: a kept head is good for one version only. */
  #version = 0;
  #sizeChanged = false;
  #lastHead: MethodHead | undefined;
  #lastBytes: Uint8Array = noBytes;
  #huffman: HuffmanEncoder | undefined;

  constructor(scheme: string, authority: string) {
    this.#constant = [":scheme", scheme, ":authority", authority];
  }

  /**
   * The peer's SETTINGS_HEADER_TABLE_SIZE. Where it changes what we use, the next block says so and the table starts
   * empty. Larger tables than the default are not used: constant headers need none.
   */
  resize(peerTableBytes: number): void {
    const maxTableBytes = Math.min(peerTableBytes, defaultTableBytes);
    if (maxTableBytes === this.#maxTableBytes) return;
    this.#maxTableBytes = maxTableBytes;
    this.#sizeChanged = true;
    this.#lastHead = undefined;
  }

  /** The encoded constant fields of a request: the first thing in its block. Each returned block must be sent. */
  head(head: MethodHead): Uint8Array {
    return head === this.#lastHead ? this.#lastBytes : this.#lookUp(head);
  }

  /** At least the bytes that {@link write} needs. */
  bound(fields: HeaderFields): number {
    let bytes = 0;
    for (let i = 0; i < fields.length; i++) bytes += (fields[i] as string).length + integerBytes;
    return bytes;
  }

  /** What a request's header list counts (RFC 9113 §6.5.2). */
  listBytes(head: MethodHead, fields: HeaderFields): number {
    const all = [...this.#fieldsOf(head), ...fields];
    return all.reduce((bytes, text) => bytes + text.length, (all.length / 2) * entryOverheadBytes);
  }

  /** Writes a call's own fields. Returns where they end. */
  write(fields: HeaderFields, into: Buffer, at: number): number {
    let position = at;
    for (let i = 0; i + 1 < fields.length; i += 2) {
      const name = this.#nameOf(fields[i] as string);
      for (let j = 0; j < name.length; j++) into[position++] = name[j] as number;
      const value = fields[i + 1] as string;
      position =
        value.length > longestPlainString ? this.#writeLong(value, into, position) : writeString(value, into, position);
    }
    return position;
  }

  #writeLong(value: string, into: Buffer, at: number): number {
    this.#huffman ??= new HuffmanEncoder();
    const bytes = this.#huffman.bytesOf(value);
    // As many bytes as are reserved for it.
    if (bytes >= value.length) return writeString(value, into, at);
    return this.#huffman.write(value, into, writeInteger(bytes, huffmanCoded, 0x7f, into, at));
  }

  #lookUp(head: MethodHead): Uint8Array {
    const kept = this.#heads.get(head);
    if (kept !== undefined && kept.version === this.#version && !this.#sizeChanged) {
      this.#lastHead = head;
      this.#lastBytes = kept.bytes;
      return kept.bytes;
    }
    const versionBefore = this.#version;
    const bytes = this.#encode(this.#fieldsOf(head), head.isOfOneCall ? ":path" : undefined);
    // A block that changed the table must not be sent twice; the next call's is the one to keep.
    this.#lastHead = undefined;
    if (this.#version === versionBefore) {
      this.#heads.set(head, { bytes, version: versionBefore });
      this.#lastHead = head;
      this.#lastBytes = bytes;
    }
    return bytes;
  }

  #fieldsOf({ httpMethod, path, fields }: MethodHead): HeaderFields {
    return [":method", httpMethod ?? "POST", ...this.#constant, ":path", path, ...fields];
  }

  /** `once`: the field that no other request will have. */
  #encode(fields: HeaderFields, once: string | undefined): Uint8Array {
    const into = Buffer.allocUnsafeSlow(2 * integerBytes + this.bound(fields));
    let at = 0;
    if (this.#sizeChanged) {
      // First 0, which empties the peer's table, then what we use from now on.
      into[at++] = sizeUpdate;
      at = writeInteger(this.#maxTableBytes, sizeUpdate, 0x1f, into, at);
      this.#entries.clear();
      this.#tableBytes = 0;
      this.#sizeChanged = false;
      this.#version++;
    }
    // Pseudo-headers come first (RFC 9113 §8.3).
    for (let i = 0; i < fields.length; i += 2) {
      const name = fields[i] as string;
      const value = fields[i + 1] as string;
      at = name === once ? this.#literal(name, value, into, at) : this.#constantField(name, value, into, at);
    }
    return new Uint8Array(into.subarray(0, at));
  }

  #constantField(name: string, value: string, into: Buffer, at: number): number {
    const index = staticIndexOf(name, value) || this.#dynamicIndexOf(name, value);
    if (index > 0) return writeInteger(index, indexed, 0x7f, into, at);
    const bytes = name.length + value.length + entryOverheadBytes;
    if (sensitiveNames.has(name) || this.#tableBytes + bytes > this.#maxTableBytes) {
      return this.#literal(name, value, into, at);
    }
    this.#tableBytes += bytes;
    this.#entries.set(`${name}\0${value}`, this.#entries.size + 1);
    this.#version++;
    return writeString(value, into, writeName(name, withIndexing, 0x3f, into, at));
  }

  #literal(name: string, value: string, into: Buffer, at: number): number {
    const prefix = this.#nameOf(name);
    into.set(prefix, at);
    return writeString(value, into, at + prefix.length);
  }

  #dynamicIndexOf(name: string, value: string): number {
    const position = this.#entries.get(`${name}\0${value}`);
    // The newest entry has the lowest index.
    return position === undefined ? 0 : staticEntries + 1 + this.#entries.size - position;
  }

  /** Everything of a literal before its value. */
  #nameOf(name: string): Uint8Array {
    const kept = this.#names.get(name);
    if (kept !== undefined) return kept;
    const into = Buffer.allocUnsafeSlow(name.length + 2 * integerBytes);
    const representation = sensitiveNames.has(name) ? neverIndexed : withoutIndexing;
    const bytes = new Uint8Array(into.subarray(0, writeName(name, representation, 0x0f, into, 0)));
    if (this.#names.size < keptNames) this.#names.set(name, bytes);
    return bytes;
  }
}

function writeName(name: string, representation: number, mask: number, into: Buffer, at: number): number {
  const index = staticNameIndexOf(name);
  const next = writeInteger(index, representation, mask, into, at);
  return index > 0 ? next : writeString(name, into, next);
}

/** RFC 7541 §5.1. */
function writeInteger(value: number, firstBits: number, mask: number, into: Buffer, at: number): number {
  if (value < mask) {
    into[at] = firstBits | value;
    return at + 1;
  }
  into[at] = firstBits | mask;
  let position = at + 1;
  let rest = value - mask;
  for (; rest >= 128; rest >>>= 7) into[position++] = 0x80 | (rest & 0x7f);
  into[position++] = rest;
  return position;
}

/** RFC 7541 §5.2, without Huffman coding. */
function writeString(text: string, into: Buffer, at: number): number {
  const { length } = text;
  let position = writeInteger(length, 0, 0x7f, into, at);
  if (length > shortText) return position + into.write(text, position, "latin1");
  for (let i = 0; i < length; i++) into[position++] = text.charCodeAt(i);
  return position;
}
