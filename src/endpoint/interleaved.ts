import { ipVersion } from "../base/ip-version.ts";
import type { Address } from "./address.ts";

/** IP versions in turn, beginning with that of the first address, each in the order given (RFC 8305 §4). */
export function interleaved(addresses: readonly Address[]): readonly Address[] {
  const families = new Map<number, Address[]>();
  for (const address of addresses) {
    const family = "host" in address ? ipVersion(address.host) : 0;
    const others = families.get(family);
    if (others === undefined) families.set(family, [address]);
    else others.push(address);
  }
  const result: Address[] = [];
  for (let i = 0; result.length < addresses.length; i++) {
    for (const family of families.values()) result.push(...family.slice(i, i + 1));
  }
  return result;
}
