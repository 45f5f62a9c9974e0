import { type NetworkInterfaceInfo, networkInterfaces } from "node:os";
import { ipVersion } from "../base/ip-version.ts";

/** An IP version. */
export type Family = 4 | 6;

/** What is asked for: addresses of one family, or 0, of both. */
export type FamilyChoice = 0 | Family;

/** The addresses of one name. */
export type HostsByFamily = Readonly<Record<Family, readonly string[]>>;

export const noHosts: HostsByFamily = { 4: [], 6: [] };

/** The addresses of a name, one family before the other. */
export interface OrderedHosts {
  /** The family of `hosts`. */
  readonly family: Family;
  readonly hosts: readonly string[];
  /** Of the other family. */
  readonly fallbackHosts: readonly string[];
}

/** Whether this machine has an address from which the given one may be reached. */
export type Reach = (host: string) => boolean;

/**
 * Says which family is connected to, and which is its fallback. A dual-stack backend has addresses of both, and nothing
 * tells which of them belong together: whoever used all of them would count it twice.
 *
 * IPv4 comes first where there is any and this machine can reach it, else IPv6. The fallback has no addresses that this
 * machine cannot reach: their errors would hide those that matter. This is what AI_ADDRCONFIG of getaddrinfo is for,
 * but it leaves out a family whole, the loopback address of a sidecar too, and counts link-local IPv6 addresses, which
 * nearly every machine has, as IPv6.
 */
export function orderFamilies(found: HostsByFamily, reach: () => Reach = reachOfThisMachine): OrderedHosts {
  if (found[6].length === 0) return { family: 4, hosts: found[4], fallbackHosts: [] };
  if (found[4].length === 0) return { family: 6, hosts: found[6], fallbackHosts: [] };
  const reaches = reach();
  const reached = { 4: found[4].filter(reaches), 6: found[6].filter(reaches) };
  const family = reached[4].length > 0 || reached[6].length === 0 ? 4 : 6;
  return { family, hosts: found[family], fallbackHosts: reached[family === 4 ? 6 : 4] };
}

/** By the addresses of these network interfaces. */
export function reachOf(interfaces: Iterable<Pick<NetworkInterfaceInfo, "address">>): Reach {
  const scopes = new Set<string>();
  for (const { address } of interfaces) scopes.add(scopeOf(address));
  return (host) => scopes.has(scopeOf(host));
}

/** At every lookup anew: a laptop changes its network, and a container gets it late. */
function reachOfThisMachine(): Reach {
  try {
    return reachOf(Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []));
  } catch {
    // Some sandboxes do not let a process see its interfaces. Then a dial has to find out.
    return () => true;
  }
}

function scopeOf(address: string): string {
  if (ipVersion(address) === 4) return address.startsWith("127.") ? "loopback 4" : "network 4";
  if (address === "::1") return "loopback 6";
  // fe80::/10 reaches the neighbours on one link, and no address that DNS names.
  return /^fe[89ab]/i.test(address) ? "link 6" : "network 6";
}
