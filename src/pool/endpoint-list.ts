import type { Address } from "../endpoint/address.ts";
import { endpointPriority } from "../endpoint/attributes.ts";
import { checkEndpoint, type Endpoint, endpointId, endpointOf } from "../endpoint/endpoint.ts";
import type { Resolution } from "../resolver/resolver.ts";

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

/** Throws what is wrong with it. */
export function listsOfResolution({ endpoints, authoritative = false, fallback = [] }: Resolution): EndpointLists {
  const list = listOf(endpoints.map(checkEndpoint));
  if (list.size === 0 && authoritative !== true) throw new Error("the answer has no endpoints");
  const [preferred = noEndpoints, ...others] = levelsOf(list);
  const below = [...others.flatMap((level) => [...level]), ...listOf(fallback.map(checkEndpoint))];
  return { preferred, fallback: new Map(below.filter(([id]) => !preferred.has(id))) };
}

/** The endpoints of each priority, the first one first. */
export function levelsOf(list: EndpointList): readonly EndpointList[] {
  const levels = new Map<number, Map<string, Endpoint>>();
  for (const [id, endpoint] of list) {
    const priority = endpoint.attributes.get(endpointPriority);
    const level = levels.get(priority);
    if (level === undefined) levels.set(priority, new Map([[id, endpoint]]));
    else level.set(id, endpoint);
  }
  return [...levels].sort(([a], [b]) => a - b).map(([, level]) => level);
}

/** Throws what is wrong with them. */
export function listsOfAddresses(addresses: readonly Address[], fallback: readonly Address[]): EndpointLists {
  const preferred = listOf(addresses.map(checkedEndpointOf));
  const fallbackList = listOf(fallback.map(checkedEndpointOf));
  if (preferred.size === 0) throw new Error("the answer has no addresses");
  for (const id of preferred.keys()) fallbackList.delete(id);
  return { preferred, fallback: fallbackList };
}

function checkedEndpointOf(address: Address): Endpoint {
  return checkEndpoint(endpointOf(address));
}

function listOf(endpoints: readonly Endpoint[]): Map<string, Endpoint> {
  const list = new Map<string, Endpoint>();
  for (const endpoint of endpoints) {
    const id = endpointId(endpoint);
    if (!list.has(id)) list.set(id, endpoint);
  }
  return list;
}
