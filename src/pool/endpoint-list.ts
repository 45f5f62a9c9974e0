import type { Address } from "../endpoint/address.ts";
import { endpointPriority } from "../endpoint/attributes.ts";
import { checkEndpoint, type Endpoint, endpointId, endpointOf } from "../endpoint/endpoint.ts";
import type { Resolution } from "../resolver/resolver.ts";
import { inSteps, type Steps } from "../runtime/portions.ts";

/** Endpoints by their id, in the resolver's order. */
export type EndpointList = ReadonlyMap<string, Endpoint>;

/** What a resolver reported, checked. */
export interface EndpointLists {
  /** Empty only when the resolver knows that there are none. */
  readonly preferred: EndpointList;
  /**
   * To use while none of the preferred can be reached; none of those is in it. Of several priorities, those of the next
   * one first.
   */
  readonly fallback: EndpointList;
}

const noEndpoints: EndpointList = new Map();

/** Of one endpoint, see {@link Steps}: it is checked, and its id is made. */
const readCost = 5;

/** Reads what a resolver reports. Endpoints that nobody can change are checked once, however often they are reported. */
export class EndpointListReader {
  readonly #checked = new WeakMap<Endpoint, { readonly id: string; readonly endpoint: Endpoint }>();

  /** Reads a copy: its maker may go on with its own meanwhile. Throws what is wrong with it. */
  read({ endpoints, authoritative = false, fallback = [] }: Resolution): Steps<EndpointLists> {
    return this.#listsOf([...endpoints], authoritative, [...fallback]);
  }

  *#listsOf(
    endpoints: readonly Endpoint[],
    authoritative: boolean,
    fallback: readonly Endpoint[],
  ): Steps<EndpointLists> {
    const list = yield* this.#listOf(endpoints);
    if (list.size === 0 && authoritative !== true) throw new Error("the answer has no endpoints");
    const [preferred = noEndpoints, ...others] = levelsOf(list);
    const below = [...others.flatMap((level) => [...level]), ...(yield* this.#listOf(fallback))];
    return { preferred, fallback: new Map(below.filter(([id]) => !preferred.has(id))) };
  }

  *#listOf(endpoints: readonly Endpoint[]): Steps<Map<string, Endpoint>> {
    const list = new Map<string, Endpoint>();
    yield* inSteps(endpoints, (given) => {
      const { id, endpoint } = this.#check(given);
      if (!list.has(id)) list.set(id, endpoint);
      return readCost;
    });
    return list;
  }

  #check(given: Endpoint): { readonly id: string; readonly endpoint: Endpoint } {
    const known = this.#checked.get(given);
    if (known !== undefined) return known;
    const endpoint = checkEndpoint(given);
    const checked = { id: endpointId(endpoint), endpoint };
    if (isConstant(given)) this.#checked.set(given, checked);
    return checked;
  }
}

function isConstant(endpoint: Endpoint): boolean {
  return Object.isFrozen(endpoint) && Object.isFrozen(endpoint.addresses) && endpoint.addresses.every(Object.isFrozen);
}

/** The endpoints of each priority, the first one first. */
export function levelsOf(list: EndpointList): readonly EndpointList[] {
  if (isOneLevel(list)) return [list];
  const levels = new Map<number, Map<string, Endpoint>>();
  for (const [id, endpoint] of list) {
    const priority = endpoint.attributes.get(endpointPriority);
    const level = levels.get(priority);
    if (level === undefined) levels.set(priority, new Map([[id, endpoint]]));
    else level.set(id, endpoint);
  }
  return [...levels].sort(([a], [b]) => a - b).map(([, level]) => level);
}

function isOneLevel(list: EndpointList): boolean {
  let level: number | undefined;
  for (const { attributes } of list.values()) {
    const priority = attributes.get(endpointPriority);
    level ??= priority;
    if (priority !== level) return false;
  }
  return level !== undefined;
}

/** The same of addresses. */
export function listsOfAddresses(addresses: readonly Address[], fallback: readonly Address[]): Steps<EndpointLists> {
  return listsOf([...addresses], [...fallback]);
}

function* listsOf(addresses: readonly Address[], fallback: readonly Address[]): Steps<EndpointLists> {
  const preferred = yield* listOf(addresses);
  const fallbackList = yield* listOf(fallback);
  if (preferred.size === 0) throw new Error("the answer has no addresses");
  for (const id of preferred.keys()) fallbackList.delete(id);
  return { preferred, fallback: fallbackList };
}

function* listOf(addresses: readonly Address[]): Steps<Map<string, Endpoint>> {
  const list = new Map<string, Endpoint>();
  yield* inSteps(addresses, (address) => {
    const endpoint = checkEndpoint(endpointOf(address));
    const id = endpointId(endpoint);
    if (!list.has(id)) list.set(id, endpoint);
    return readCost;
  });
  return list;
}
