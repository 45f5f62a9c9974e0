import { type Endpoint, sameEndpoint } from "../endpoint/endpoint.ts";
import { inSteps, type Steps } from "../runtime/portions.ts";
import type { Subchannel } from "../subchannel/subchannel.ts";
import type { EndpointList } from "./endpoint-list.ts";

/** What a resolution changed. */
export interface MembersChange {
  readonly added: readonly Subchannel[];
  /** No longer named: they are to leave now, see {@link Members.nextDeparting}. */
  readonly removed: readonly Subchannel[];
  /** No longer named, and in service until one that is named serves. */
  readonly leaving: readonly Subchannel[];
  /** Their endpoint has other attributes, or its addresses another order: connections stay. */
  readonly updated: readonly Subchannel[];
  /** The list has other members than before, or another order. */
  readonly listChanged: boolean;
}

/** A backend whose endpoint is to be another. */
interface Renamed {
  readonly subchannel: Subchannel;
  readonly endpoint: Endpoint;
}

/** Of one endpoint, see {@link Steps}: to find its backend, to make one, and to take it in with all others. */
const findCost = 2;
const makeCost = 12;
const takeCost = 0.5;

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
  /** They are let go one after the other, and are in service until it is their turn. */
  readonly #departing = new Set<Subchannel>();
  /** No longer named by an answer that is doubted. */
  #stale = new Set<Subchannel>();
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
    return this.#leaving.has(subchannel) || this.#stale.has(subchannel) || this.#departing.has(subchannel);
  }

  /** How many are to leave now, and have not left yet. */
  get departingCount(): number {
    return this.#departing.size;
  }

  /** It is to leave now, and whoever had to know was told. */
  isDeparting(subchannel: Subchannel): boolean {
    return this.#departing.has(subchannel);
  }

  /** The list that does not name it is doubted. */
  isStale(subchannel: Subchannel): boolean {
    return this.#stale.has(subchannel);
  }

  /**
   * Takes in the resolver's newest list, with the last step: until then what it makes is no member, and no endpoint is
   * another, for a newer list may take its place. `held`: ids that it lacks, and that stay all the same while they work.
   */
  *reconcile(named: EndpointList, held: ReadonlySet<string>): Steps<MembersChange> {
    const added: Subchannel[] = [];
    const renamed: Renamed[] = [];
    const next = new Map<string, Subchannel>();
    yield* inSteps(named, ([id, endpoint]) => {
      const known = this.#subchannels.get(id);
      if (known === undefined) {
        const subchannel = this.#create(endpoint);
        added.push(subchannel);
        next.set(id, subchannel);
        return findCost + makeCost;
      }
      this.#leaving.delete(known);
      this.#departing.delete(known);
      this.#stale.delete(known);
      next.set(id, known);
      if (!sameEndpoint(known.endpoint, endpoint)) renamed.push({ subchannel: known, endpoint });
      return findCost;
    });
    const absent: Subchannel[] = [];
    yield* inSteps(this.list, (subchannel) => {
      if (!named.has(subchannel.id)) absent.push(subchannel);
      return findCost;
    });
    // All are looked at again, in one step.
    yield takeCost * (next.size + absent.length);
    // What was let go in the meantime is no member any more.
    const members = absent.filter((one) => this.#subchannels.get(one.id) === one && !this.#departing.has(one));
    for (const { subchannel, endpoint } of renamed) subchannel.endpoint = endpoint;
    return { ...this.#take(next, members, held), added, updated: renamed.map(({ subchannel }) => subchannel) };
  }

  #take(
    next: Map<string, Subchannel>,
    absent: readonly Subchannel[],
    held: ReadonlySet<string>,
  ): Pick<MembersChange, "removed" | "leaving" | "listChanged"> {
    const works = next.size === 0 || (absent.length > 0 && some(next.values(), this.#serves));
    const stays = ({ state, id }: Subchannel) => state === "ready" && (!works || held.has(id));
    const removed = absent.filter((subchannel) => !stays(subchannel));
    const staying = absent.filter(stays);
    this.#stale = new Set(staying.filter(({ id }) => held.has(id)));
    const leaving = staying.filter((subchannel) => !this.isUnnamed(subchannel));
    for (const subchannel of [...removed, ...this.#stale]) this.#leaving.delete(subchannel);
    for (const subchannel of leaving) this.#leaving.add(subchannel);
    for (const subchannel of this.#subchannels.values()) subchannel.isLeaving = this.#leaving.has(subchannel);
    for (const subchannel of removed) this.#departing.add(subchannel);
    for (const subchannel of [...staying, ...this.#departing]) next.set(subchannel.id, subchannel);
    const before = this.list;
    const list = [...next.values()];
    this.#subchannels = next;
    const listChanged = !sameSequence(before, list);
    if (listChanged) this.#list = list;
    return { removed, leaving, listChanged };
  }

  /** One that is named serves: those that were in service in place of it are to leave now, see {@link nextDeparting}. */
  releaseLeaving(): readonly Subchannel[] {
    const released = [...this.#leaving];
    this.#leaving.clear();
    for (const subchannel of released) this.#departing.add(subchannel);
    return released;
  }

  /** The next one that is to leave now: it is no member any more. Undefined: there is none. */
  nextDeparting(): Subchannel | undefined {
    for (const subchannel of this.#departing) {
      this.remove(subchannel);
      return subchannel;
    }
    return undefined;
  }

  remove(subchannel: Subchannel): void {
    this.#leaving.delete(subchannel);
    this.#departing.delete(subchannel);
    this.#subchannels.delete(subchannel.id);
    this.#list = undefined;
  }

  /** Empties it. */
  clear(): readonly Subchannel[] {
    const all = this.list;
    this.#subchannels.clear();
    this.#leaving.clear();
    this.#departing.clear();
    this.#stale = new Set();
    this.#list = undefined;
    return all;
  }
}

function some<T>(items: Iterable<T>, holds: (item: T) => boolean): boolean {
  for (const item of items) if (holds(item)) return true;
  return false;
}

function sameSequence<T>(one: readonly T[], other: readonly T[]): boolean {
  return one.length === other.length && one.every((item, i) => item === other[i]);
}
