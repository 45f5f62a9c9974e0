import { describeValue } from "../base/check.ts";
import { type Address, checkAddress, formatAddress } from "./address.ts";
import { type Attributes, checkAttributes, isAttributes, noAttributes } from "./attributes.ts";

/**
 * One backend as a resolver names it: where it listens, and what is known of it. An endpoint with several addresses is one
 * backend that can be reached in several ways, by IPv4 and IPv6, say: it counts once and gets one connection.
 */
export interface Endpoint {
  /** At least one; they are tried in this order, with IP versions in turn (RFC 8305). */
  readonly addresses: readonly Address[];
  /** What a resolver knows of it beside its addresses: weight, zone, priority, and keys of your own. */
  readonly attributes: Attributes;
}

/** The endpoint of one address of which nothing else is known. */
export function endpointOf(address: Address): Endpoint {
  return { addresses: [address], attributes: noAttributes };
}

/** The identity of an endpoint: the texts of its addresses. Other attributes, or another order, are the same endpoint. */
export function endpointId({ addresses }: Endpoint): string {
  if (addresses.length === 1) return formatAddress(addresses[0] as Address);
  return addresses.map(formatAddress).sort().join(",");
}

/** Whether both are the same in everything, the order of the addresses included. */
export function sameEndpoint(one: Endpoint, other: Endpoint): boolean {
  if (one === other) return true;
  if (one.addresses.length !== other.addresses.length || !one.attributes.equals(other.attributes)) return false;
  return one.addresses.every((address, i) => formatAddress(address) === formatAddress(other.addresses[i] as Address));
}

/**
 * Returns the endpoint as an object of our own, each of its addresses once and in its usual spelling, or throws a
 * TypeError or RangeError that says what is wrong with it.
 */
export function checkEndpoint(endpoint: Endpoint): Endpoint {
  if (typeof endpoint !== "object" || endpoint === null || !Array.isArray(endpoint.addresses)) {
    throw new TypeError(`${describeValue(endpoint)} is not an endpoint: give { addresses, attributes }`);
  }
  const { addresses, attributes } = endpoint;
  if (addresses.length === 0) throw new TypeError("an endpoint needs at least one address");
  if (!isAttributes(attributes)) {
    throw new TypeError(
      `the attributes of an endpoint are noAttributes, or what its with() returned, not ${describeValue(attributes)}`,
    );
  }
  checkAttributes(attributes);
  const checked = new Map<string, Address>();
  for (const given of addresses) {
    const address = checkAddress(given);
    const text = formatAddress(address);
    if (!checked.has(text)) checked.set(text, address);
  }
  return { addresses: [...checked.values()], attributes };
}
