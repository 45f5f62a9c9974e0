import { Xxh64 } from "../base/xxh64.ts";
import type { Random } from "../runtime/random.ts";
import type { EndpointList } from "./endpoint-list.ts";
import type { SubsetSize } from "./subset-options.ts";

/**
 * Which endpoints one client of many connects to, so that large fleets do not connect all to all.
 *
 * By chance, but stably: each client ranks endpoints by a hash with a seed of its own, and takes the first (gRFC A68): one
 * that comes or leaves changes one connection at most. Or exactly: all clients see the same ring of endpoints, and each
 * begins where its number puts it, so that connections differ by one at most.
 */
export class Subset {
  readonly #size: SubsetSize;
  readonly #hash = new Xxh64();
  readonly #seedHi: number;
  readonly #seedLo: number;

  constructor(size: SubsetSize, random: Random) {
    const isExact = typeof size === "object";
    this.#size = size;
    this.#seedHi = isExact ? 0 : Math.floor(random.next() * 2 ** 32);
    this.#seedLo = isExact ? 0 : Math.floor(random.next() * 2 ** 32);
  }

  /** The part of the list that is this client's, in the list's order. */
  of(list: EndpointList): EndpointList {
    const size = typeof this.#size === "object" ? this.#size.size : this.#size;
    if (list.size <= size) return list;
    const ranked = this.#ranked(list);
    const start = typeof this.#size === "object" ? Math.floor((this.#size.index * list.size) / this.#size.count) : 0;
    const chosen = new Set(Array.from({ length: size }, (_, i) => ranked[(start + i) % ranked.length]));
    return new Map([...list].filter(([id]) => chosen.has(id)));
  }

  #ranked(list: EndpointList): string[] {
    const hash = this.#hash;
    const ranks = Array.from(list.keys(), (id) => {
      hash.hash(id, this.#seedHi, this.#seedLo);
      return { id, hi: hash.hi >>> 0, lo: hash.lo >>> 0 };
    });
    ranks.sort((a, b) => a.hi - b.hi || a.lo - b.lo);
    return ranks.map(({ id }) => id);
  }
}
