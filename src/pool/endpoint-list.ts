import type { Address } from "../endpoint/address.ts";
import { checkEndpoint, type Endpoint, endpointId, endpointOf } from "../endpoint/endpoint.ts";
import type { Resolution } from "../resolver/resolver.ts";

/** Endpoints by their id, in the resolver's order. */
export type EndpointList = ReadonlyMap<string, Endpoint>;

/** What a resolver reported, checked. */
export interface EndpointLists {
  /** Empty only when the resolver knows that there are none. */
  readonly preferred: EndpointList;
  /** To use while none of the preferred can be reached; none of those is in it. */
  readonly fallback: EndpointList;
}

export const noEndpoints: EndpointList = new Map();

/** Throws what is wrong with it. */
export function listsOfResolution({ endpoints, authoritative = false, fallback = [] }: Resolution): EndpointLists {
  const preferred = listOf(endpoints.map(checkEndpoint));
  if (preferred.size === 0 && authoritative !== true) throw new Error("the answer has no endpoints");
  const fallbackList = listOf(fallback.map(checkEndpoint));
  for (const id of preferred.keys()) fallbackList.delete(id);
  return { preferred, fallback: fallbackList };
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
