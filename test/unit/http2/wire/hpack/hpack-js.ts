import { createRequire } from "node:module";

/** A header field with its representation, as hpack.js takes and gives it. */
export interface HpackField {
  readonly name: string;
  readonly value: string;
  /** A literal that no table may keep (RFC 7541 §6.2.3). */
  readonly neverIndex?: boolean;
  /** `false`: a literal that enters no table, where the field is in none (§6.2.2). */
  readonly incremental?: boolean;
  /** `false`: strings as they are. */
  readonly huffman?: boolean;
}

/** What hpack.js keeps of its table; it has no public way to look. */
interface HpackTable {
  readonly size: number;
  readonly maxSize: number;
}

interface HpackStream {
  readonly _table: HpackTable;
  write(chunk: unknown): boolean;
  read(): unknown;
  updateTableSize(bytes: number): void;
}

interface HpackJs {
  readonly decompressor: { create(options: object): HpackStream & { execute(): void } };
  readonly compressor: { create(options: object): HpackStream };
}

const { compressor, decompressor } = createRequire(import.meta.url)("hpack.js") as HpackJs;

const table = { maxSize: 4_096, lookupDepth: 256 };

/** The decoder of npm's hpack.js: somebody else's reading of RFC 7541. */
export class HpackJsDecoder {
  readonly #stream = decompressor.create({ table });

  /** Throws on what is no HPACK. */
  decode(block: Uint8Array): HpackField[] {
    this.#stream.write(Buffer.from(block));
    this.#stream.execute();
    const fields: HpackField[] = [];
    for (let field = this.#stream.read(); field !== null; field = this.#stream.read()) fields.push(field as HpackField);
    return fields;
  }

  /** The size that the encoder has announced, and what is in use of it. */
  get table(): HpackTable {
    return this.#stream._table;
  }
}

/** The encoder of npm's hpack.js. */
export class HpackJsEncoder {
  readonly #stream = compressor.create({ table });
  #announced: Buffer[] = [];

  encode(fields: readonly HpackField[]): Buffer {
    this.#stream.write(fields);
    const chunks = this.#announced.splice(0);
    for (let chunk = this.#stream.read(); chunk !== null; chunk = this.#stream.read()) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  }

  /** Changes the size of the table and announces it in the next block, which hpack.js leaves to its user. Below 4096. */
  resize(bytes: number): void {
    this.#stream.updateTableSize(bytes);
    this.#announced.push(sizeUpdate(bytes));
  }
}

/** RFC 7541 §6.3, for sizes up to 16 414. */
function sizeUpdate(bytes: number): Buffer {
  if (bytes < 31) return Buffer.from([0x20 | bytes]);
  const rest = bytes - 31;
  return Buffer.from(rest < 128 ? [0x3f, rest] : [0x3f, 0x80 | (rest & 0x7f), rest >> 7]);
}
