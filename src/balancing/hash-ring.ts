import { Xxh64 } from "../base/xxh64.ts";

/** What stands on a ring. */
export interface RingMember {
  /** Its entries are the hashes of this text and a number: the same on every client. */
  readonly key: string;
  /** How many entries it has, relative to the others. Above 0. */
  readonly weight: number;
}

/** How many entries a ring has: enough that the member with the least weight has whole ones. */
export interface RingSize {
  readonly min: number;
  readonly max: number;
}

/**
 * A ring of hashes, as gRFC A42 and Envoy make it: each member has entries in proportion to its weight, and a key belongs
 * to the first entry from its own hash on. A member that comes or leaves moves the keys of its entries, and no others.
 */
export class HashRing {
  /** The members' indices, by entry: in the order of the hashes. */
  readonly owners: Uint32Array;
  readonly #hashes: BigUint64Array;
  /** The same hashes in halves, upper and lower in turn. */
  readonly #halves: Uint32Array;

  /** `members`: at least one. */
  constructor(members: readonly RingMember[], size: RingSize) {
    const entries = entriesOf(members, size);
    entries.sort((a, b) => (a.hash < b.hash ? -1 : a.hash > b.hash ? 1 : 0));
    this.owners = Uint32Array.from(entries, ({ owner }) => owner);
    this.#hashes = BigUint64Array.from(entries, ({ hash }) => hash);
    this.#halves = new Uint32Array(2 * entries.length);
    for (const [i, { hash }] of entries.entries()) {
      this.#halves[2 * i] = Number(hash >> 32n);
      this.#halves[2 * i + 1] = Number(hash & 0xffffffffn);
    }
  }

  get size(): number {
    return this.owners.length;
  }

  /** The entry that a hash belongs to. Both halves may be signed. */
  entryOf(hi: number, lo: number): number {
    const halves = this.#halves;
    const upper = hi >>> 0;
    const lower = lo >>> 0;
    let from = 0;
    let to = this.owners.length;
    while (from < to) {
      const at = (from + to) >>> 1;
      const entryHi = halves[2 * at] as number;
      if (entryHi < upper || (entryHi === upper && (halves[2 * at + 1] as number) < lower)) from = at + 1;
      else to = at;
    }
    return from === this.owners.length ? 0 : from;
  }

  /** How much of all hashes belongs to each member, by index. */
  sharesOf(count: number): Float64Array {
    const shares = new Float64Array(count);
    const { owners } = this;
    let before = (this.#hashes.at(-1) as bigint) - 2n ** 64n;
    for (const [i, hash] of this.#hashes.entries()) {
      const owner = owners[i] as number;
      shares[owner] = (shares[owner] as number) + Number(hash - before) / 2 ** 64;
      before = hash;
    }
    return shares;
  }
}

interface Entry {
  readonly hash: bigint;
  readonly owner: number;
}

function entriesOf(members: readonly RingMember[], { min, max }: RingSize): Entry[] {
  const total = members.reduce((sum, { weight }) => sum + weight, 0);
  const least = members.reduce((lowest, { weight }) => Math.min(lowest, weight), total) / total;
  const scale = Math.min(Math.ceil(least * min) / least, max);
  const hash = new Xxh64();
  const entries: Entry[] = [];
  let wanted = 0;
  for (const owner of inOrderOfKeys(members)) {
    const { key, weight } = members[owner] as RingMember;
    wanted += scale * (weight / total);
    for (let i = 0; entries.length < wanted; i++) {
      hash.hash(`${key}_${i}`);
      entries.push({ hash: (BigInt(hash.hi >>> 0) << 32n) | BigInt(hash.lo >>> 0), owner });
    }
  }
  return entries;
}

/** So that the ring does not depend on the order in which members are named. */
function inOrderOfKeys(members: readonly RingMember[]): number[] {
  const keyOf = (index: number) => (members[index] as RingMember).key;
  return [...members.keys()].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : keyOf(a) > keyOf(b) ? 1 : 0));
}
