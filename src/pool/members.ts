import type { Address } from "../endpoint/address.ts";
import type { Subchannel } from "../subchannel/subchannel.ts";

/** What an answer of the resolver changed. */
export interface MembersChange {
  readonly added: readonly Subchannel[];
  /** No longer named: they leave now. */
  readonly removed: readonly Subchannel[];
  /** No longer named, and in service until one that is named is ready. */
  readonly leaving: readonly Subchannel[];
}

/**
 * One subchannel for each address that the resolver names. An answer of which nothing works never empties a pool that
 * does: what is connected stays until one of the new list is, for the answer may be wrong, and dials take time.
 */
export class Members implements Iterable<Subchannel> {
  readonly #create: (address: Address) => Subchannel;
  readonly #subchannels = new Map<string, Subchannel>();
  readonly #leaving = new Set<Subchannel>();
  #list: readonly Subchannel[] | undefined;

  constructor(create: (address: Address) => Subchannel) {
    this.#create = create;
  }

  get size(): number {
    return this.#subchannels.size;
  }

  /** All of them, in a stable order. The same array until one comes or goes. */
  get list(): readonly Subchannel[] {
    this.#list ??= [...this.#subchannels.values()];
    return this.#list;
  }

  get(id: string): Subchannel | undefined {
    return this.#subchannels.get(id);
  }

  [Symbol.iterator](): Iterator<Subchannel> {
    return this.#subchannels.values();
  }

  isLeaving(subchannel: Subchannel): boolean {
    return this.#leaving.has(subchannel);
  }

  /** Takes in a list of addresses by their text. */
  reconcile(named: ReadonlyMap<string, Address>): MembersChange {
    const absent: Subchannel[] = [];
    let works = false;
    for (const [id, subchannel] of this.#subchannels) {
      if (!named.has(id)) {
        absent.push(subchannel);
      } else {
        this.#leaving.delete(subchannel);
        if (subchannel.state === "ready") works = true;
      }
    }
    const leaving = works ? [] : absent.filter(({ state }) => state === "ready");
    const removed = works ? absent : absent.filter(({ state }) => state !== "ready");
    const news = leaving.filter((subchannel) => !this.#leaving.has(subchannel));
    for (const subchannel of news) this.#leaving.add(subchannel);
    for (const subchannel of removed) this.remove(subchannel);
    const added: Subchannel[] = [];
    for (const [id, address] of named) {
      if (this.#subchannels.has(id)) continue;
      const subchannel = this.#create(address);
      this.#subchannels.set(id, subchannel);
      added.push(subchannel);
    }
    if (added.length > 0) this.#list = undefined;
    return { added, removed, leaving: news };
  }

  /** One that is named is ready: those that were in service in place of it are let go. */
  releaseLeaving(): readonly Subchannel[] {
    const released = [...this.#leaving];
    for (const subchannel of released) this.remove(subchannel);
    return released;
  }

  remove(subchannel: Subchannel): void {
    this.#leaving.delete(subchannel);
    this.#subchannels.delete(subchannel.id);
    this.#list = undefined;
  }

  /** Empties it. */
  clear(): readonly Subchannel[] {
    const all = this.list;
    this.#subchannels.clear();
    this.#leaving.clear();
    this.#list = undefined;
    return all;
  }
}
