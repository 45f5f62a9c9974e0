import { type Endpoint, sameEndpoint } from "../endpoint/endpoint.ts";
import type { Subchannel } from "../subchannel/subchannel.ts";
import type { EndpointList } from "./endpoint-list.ts";

/** What a resolution changed. */
export interface MembersChange {
  readonly added: readonly Subchannel[];
  /** No longer named: they leave now. */
  readonly removed: readonly Subchannel[];
  /** No longer named, and in service until one that is named serves. */
  readonly leaving: readonly Subchannel[];
  /** Their endpoint has other attributes, or its addresses another order: connections stay. */
  readonly updated: readonly Subchannel[];
  /** The list has other members than before, or another order. */
  readonly listChanged: boolean;
}

/**
 * One subchannel for each endpoint that the resolver names. A list of which nothing works never empties a pool that does:
 * what is connected stays until one of the new list is, for the list may be wrong, and dials take time. An empty list
 * comes only from a resolver that knows that there is nothing, and empties it.
 */
export class Members implements Iterable<Subchannel> {
  readonly #create: (endpoint: Endpoint) => Subchannel;
  readonly #serves: (subchannel: Subchannel) => boolean;
  #subchannels = new Map<string, Subchannel>();
  readonly #leaving = new Set<Subchannel>();
  /** No longer named by an answer that is doubted. */
  #stale: ReadonlySet<Subchannel> = new Set();
  #list: readonly Subchannel[] | undefined;

  /** `serves`: whether a backend is connected, and does not say anything else of its health. */
  constructor(create: (endpoint: Endpoint) => Subchannel, serves: (subchannel: Subchannel) => boolean) {
    this.#create = create;
    this.#serves = serves;
  }

  get size(): number {
    return this.#subchannels.size;
  }

  /** In the resolver's newest order, and those that leave after the others. The same array until it changes. */
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

  /** Still in service, though the newest list does not name it. */
  isUnnamed(subchannel: Subchannel): boolean {
    return this.#leaving.has(subchannel) || this.#stale.has(subchannel);
  }

  /** The list that does not name it is doubted. */
  isStale(subchannel: Subchannel): boolean {
    return this.#stale.has(subchannel);
  }

  /** Takes in the resolver's newest list. `held`: ids that it lacks, and that stay all the same while they work. */
  reconcile(named: EndpointList, held: ReadonlySet<string>): MembersChange {
    const absent: Subchannel[] = [];
    let works = named.size === 0;
    for (const [id, subchannel] of this.#subchannels) {
      if (!named.has(id)) {
        absent.push(subchannel);
      } else {
        this.#leaving.delete(subchannel);
        if (this.#serves(subchannel)) works = true;
      }
    }
    const stays = ({ state, id }: Subchannel) => state === "ready" && (!works || held.has(id));
    const removed = absent.filter((subchannel) => !stays(subchannel));
    const staying = absent.filter(stays);
    this.#stale = new Set(staying.filter(({ id }) => held.has(id)));
    const leaving = staying.filter((subchannel) => !this.isUnnamed(subchannel));
    for (const subchannel of [...removed, ...this.#stale]) this.#leaving.delete(subchannel);
    for (const subchannel of leaving) this.#leaving.add(subchannel);
    for (const subchannel of this.#subchannels.values()) subchannel.isLeaving = this.#leaving.has(subchannel);
    const added: Subchannel[] = [];
    const updated: Subchannel[] = [];
    const next = new Map<string, Subchannel>();
    for (const [id, endpoint] of named) {
      const known = this.#subchannels.get(id);
      if (known === undefined) {
        const subchannel = this.#create(endpoint);
        added.push(subchannel);
        next.set(id, subchannel);
        continue;
      }
      next.set(id, known);
      if (sameEndpoint(known.endpoint, endpoint)) continue;
      known.endpoint = endpoint;
      updated.push(known);
    }
    for (const subchannel of staying) next.set(subchannel.id, subchannel);
    const before = this.list;
    const list = [...next.values()];
    this.#subchannels = next;
    const listChanged = !sameSequence(before, list);
    if (listChanged) this.#list = list;
    return { added, removed, leaving, updated, listChanged };
  }

  /** One that is named serves: those that were in service in place of it are let go. */
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
    this.#stale = new Set();
    this.#list = undefined;
    return all;
  }
}

function sameSequence<T>(one: readonly T[], other: readonly T[]): boolean {
  return one.length === other.length && one.every((item, i) => item === other[i]);
}
