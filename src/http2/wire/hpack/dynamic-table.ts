import { HpackError } from "./block-cursor.ts";
import { defaultTableBytes, entryOverheadBytes, staticEntries } from "./static-table.ts";

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
  #changes = 0;

  /** Counts what was done to the table. */
  get changes(): number {
    return this.#changes;
  }

  get length(): number {
    return this.#length;
  }

  /** What the entries count: never above the limit in force. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Throws where an index, counted from the static table's first entry, is beyond both tables. */
  check(index: number): void {
    if (index - staticEntries > this.#length) throw new HpackError(`the index ${index} is in no table`);
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
    this.#changes++;
    this.#evictTo(this.#maxBytes - bytes);
    if (bytes > this.#maxBytes) return;
    const slot = this.#next & (ringEntries - 1);
    this.#names[slot] = name;
    this.#values[slot] = value;
    this.#next++;
    this.#length++;
    this.#bytes += bytes;
  }

  /** A size update (§6.3). Throws when it is above the limit we announced. */
  resize(maxBytes: number): void {
    if (maxBytes > defaultTableBytes) throw new HpackError(`a table size update to ${maxBytes} is above our limit`);
    this.#changes++;
    this.#maxBytes = maxBytes;
    this.#evictTo(maxBytes);
  }

  /** Evicts everything. */
  clear(): void {
    this.#changes++;
    this.#evictTo(0);
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
