import { type Address, formatAddress } from "./address.ts";
import { type Attributes, noAttributes } from "./attributes.ts";

/**
 * One backend as a resolver names it: where it listens, and what is known of it. An endpoint with several addresses is one
 * backend that can be reached in several ways, by IPv4 and IPv6, say: it counts once and gets one connection.
 */
export interface Endpoint {
  /** At least one; the first is tried first. */
  readonly addresses: readonly Address[];
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
