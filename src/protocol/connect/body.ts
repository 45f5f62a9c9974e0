import { type MessageMemory, trustedBytes } from "../message-memory.ts";

/** Gathers the body of a response, which comes in pieces of memory that is used again. */
export class Body {
  readonly #memory: MessageMemory;
  readonly #announcedBytes: number | undefined;
  #bytes = new Uint8Array(0) as Uint8Array;
  #length = 0;

  /** `announcedBytes`: its content-length, where it has one. */
  constructor(memory: MessageMemory, announcedBytes: number | undefined) {
    this.#memory = memory;
    this.#announcedBytes = announcedBytes;
  }

  get length(): number {
    return this.#length;
  }

  /** Takes what is in `piece` from `start` to `end`. */
  push(piece: Uint8Array, start: number, end: number): void {
    const length = this.#length + end - start;
    if (length > this.#bytes.length) this.#grow(length);
    this.#bytes.set(piece.subarray(start, end), this.#length);
    this.#length = length;
  }

  /** All that has come. */
  take(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #grow(wanted: number): void {
    // Without an announcement the first piece is all of it, as a rule.
    const announced = this.#announcedBytes ?? (this.#length === 0 ? wanted : Number.POSITIVE_INFINITY);
    const grown = this.#memory.allocate(Math.max(wanted, trustedBytes(announced, wanted)));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}
