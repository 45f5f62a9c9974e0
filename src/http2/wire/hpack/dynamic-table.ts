import { HpackError } from "./block-cursor.ts";
import { defaultTableBytes, entryOverheadBytes, staticEntries } from "./static-table.ts";

/** A ring has room for so many entries at first: a server's table seldom has more than its usual header fields. */
const firstRingEntries = 8;

/** Never written to: an array that is full is replaced. */
const noStrings: string[] = [];

/**
 * The dynamic table of a decoder (RFC 7541 §2.3.2): the newest entry has index 0. A ring, so that neither adding nor
 * evicting moves anything; it is made with the first entry and doubled when it is full, because most of many connections
 * have few. The table's size is SETTINGS_HEADER_TABLE_SIZE's default, which we never change.
 */
export class DynamicTable {
  /** As long as {@link #values}: a power of two, so that an index is a mask, or 0. */
  #names: string[] = noStrings;
  #values: string[] = noStrings;
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
    return this.#names[(this.#next - 1 - index) & (this.#names.length - 1)] as string;
  }

  valueAt(index: number): string {
    return this.#values[(this.#next - 1 - index) & (this.#values.length - 1)] as string;
  }

  /** Evicts as much as is needed. What is larger than the table empties it and is not kept (§4.4). */
  add(name: string, value: string): void {
    const bytes = name.length + value.length + entryOverheadBytes;
    this.#changes++;
    this.#evictTo(this.#maxBytes - bytes);
    if (bytes > this.#maxBytes) return;
    if (this.#length === this.#names.length) this.#growRing();
    const slot = this.#next & (this.#names.length - 1);
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
      const slot = (this.#next - this.#length) & (this.#names.length - 1);
      this.#bytes -= (this.#names[slot] as string).length + (this.#values[slot] as string).length + entryOverheadBytes;
      this.#names[slot] = "";
      this.#values[slot] = "";
      this.#length--;
    }
  }

  #growRing(): void {
    const oldest = this.#next - this.#length;
    const mask = this.#names.length - 1;
    const entries = Math.max(firstRingEntries, 2 * this.#length);
    const doubled = (texts: readonly string[]) =>
      Array.from({ length: entries }, (_, i) => (i < this.#length ? (texts[(oldest + i) & mask] as string) : ""));
    this.#names = doubled(this.#names);
    this.#values = doubled(this.#values);
    this.#next = this.#length;
  }
}
