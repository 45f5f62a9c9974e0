import { defaultTableBytes, entryOverheadBytes } from "./static-table.ts";

/** Entries that fit at most: each counts at least its overhead. A power of two, so that the ring's index is a mask. */
const ringEntries = defaultTableBytes / entryOverheadBytes;

/**
 * The dynamic table of a decoder (RFC 7541 §2.3.2): the newest entry has index 0. A ring, so that neither adding nor
 * evicting moves anything. Its size is SETTINGS_HEADER_TABLE_SIZE's default, which we never change.
 */
export class DynamicTable {
  readonly #names: string[] = new Array(ringEntries).fill("");
  readonly #values: string[] = new Array(ringEntries).fill("");
  /** Where the next entry goes, modulo the ring. */
  #next = 0;
  #length = 0;
  #bytes = 0;
  #maxBytes = defaultTableBytes;

  get length(): number {
    return this.#length;
  }

  /** What the entries count: never above the limit in force. */
  get bytes(): number {
    return this.#bytes;
  }

  /** `index` below `length`. */
  nameAt(index: number): string {
    return this.#names[(this.#next - 1 - index) & (ringEntries - 1)] as string;
  }

  valueAt(index: number): string {
    return this.#values[(this.#next - 1 - index) & (ringEntries - 1)] as string;
  }

  /** Evicts as much as is needed. What is larger than the table empties it and is not kept (§4.4). */
  add(name: string, value: string): void {
    const bytes = name.length + value.length + entryOverheadBytes;
    this.#evictTo(this.#maxBytes - bytes);
    if (bytes > this.#maxBytes) return;
    const slot = this.#next & (ringEntries - 1);
    this.#names[slot] = name;
    this.#values[slot] = value;
    this.#next++;
    this.#length++;
    this.#bytes += bytes;
  }

  /** A size update (§6.3). Returns false when it is above the limit we announced. */
  resize(maxBytes: number): boolean {
    if (maxBytes > defaultTableBytes) return false;
    this.#maxBytes = maxBytes;
    this.#evictTo(maxBytes);
    return true;
  }

  #evictTo(bytes: number): void {
    while (this.#length > 0 && this.#bytes > bytes) {
      const slot = (this.#next - this.#length) & (ringEntries - 1);
      this.#bytes -= (this.#names[slot] as string).length + (this.#values[slot] as string).length + entryOverheadBytes;
      this.#names[slot] = "";
      this.#values[slot] = "";
      this.#length--;
    }
  }
}
