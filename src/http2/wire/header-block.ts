import type { HeaderFields } from "../connection.ts";
import type { BlockSkipper } from "./hpack/block-skipper.ts";
import type { DecodedBlock, HpackDecoder } from "./hpack/decoder.ts";
import { type ResponseHead, readResponseHead, trailersProblem } from "./response-fields.ts";

/** A decoded header block, and what was found when somebody looked at it: blocks repeat, and are read once. */
export class HeaderBlock {
  readonly fields: HeaderFields;
  /** Above the limits on header lists; `fields` is not all of it. */
  readonly tooLarge: boolean;
  #head: ResponseHead | undefined;
  #trailersRead = false;
  #trailersProblem: string | undefined;

  constructor({ fields, tooLarge }: DecodedBlock) {
    this.fields = fields;
    this.tooLarge = tooLarge;
  }

  get head(): ResponseHead {
    this.#head ??= readResponseHead(this.fields);
    return this.#head;
  }

  get trailersProblem(): string | undefined {
    if (!this.#trailersRead) {
      this.#trailersProblem = trailersProblem(this.fields);
      this.#trailersRead = true;
    }
    return this.#trailersProblem;
  }
}

/** A server's responses have two or three blocks that repeat. A power of two. */
const slots = 16;

/** Longer blocks carry what is not the same from call to call. */
const longestKept = 256;

interface Kept {
  readonly bytes: Uint8Array;
  readonly changes: number;
  readonly block: HeaderBlock;
}

/**
 * Decodes header blocks, and knows again the ones it has seen: while the table does not change, the same bytes are the
 * same fields, and comparing a few bytes is all a usual response costs.
 */
export class HeaderBlockReader {
  readonly #decoder: HpackDecoder;
  readonly #kept: (Kept | undefined)[] = new Array(slots).fill(undefined);

  constructor(decoder: HpackDecoder) {
    this.#decoder = decoder;
  }

  /** For one block that is too long to be kept, instead of {@link read}. */
  skip(): BlockSkipper {
    return this.#decoder.skip();
  }

  /** Throws as the decoder does. */
  read(bytes: Buffer, start: number, end: number): HeaderBlock {
    const length = end - start;
    if (length === 0 || length > longestKept) return new HeaderBlock(this.#decoder.decode(bytes, start, end));
    const slot = (length + (bytes[end - 1] as number)) & (slots - 1);
    const kept = this.#kept[slot];
    const changes = this.#decoder.changes;
    if (kept !== undefined && kept.changes === changes && isSame(kept.bytes, bytes, start, length)) return kept.block;
    const block = new HeaderBlock(this.#decoder.decode(bytes, start, end));
    // A block that changed the table means something else the second time.
    if (this.#decoder.changes === changes) {
      this.#kept[slot] = { bytes: Uint8Array.prototype.slice.call(bytes, start, end), changes, block };
    }
    return block;
  }
}

function isSame(kept: Uint8Array, bytes: Uint8Array, start: number, length: number): boolean {
  if (kept.length !== length) return false;
  for (let i = 0; i < length; i++) if (kept[i] !== bytes[start + i]) return false;
  return true;
}
