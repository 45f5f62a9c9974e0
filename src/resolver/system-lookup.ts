import type { LookupAddress } from "node:dns";
import { builtinModule } from "../runtime/builtin-modules.ts";
import type { AddressFamily, Lookup } from "./lookup.ts";

/** `lookup` of node:dns/promises, as far as it is used. */
export type SystemLookup = (
  host: string,
  options: { readonly all: true; readonly family: AddressFamily },
) => Promise<LookupAddress[]>;

/**
 * The operating system's own lookup, getaddrinfo: hosts file, search domains, whatever nsswitch.conf says. It tells no
 * TTL, takes one thread of libuv's pool, and neither it nor the process it keeps alive can be released before it ends.
 */
export function systemLookup(
  host: string,
  family: AddressFamily,
  lookup: SystemLookup = builtinModule("node:dns/promises").lookup,
): Lookup {
  let hadIpv4 = false;
  return {
    host,
    source: "the operating system",
    async ask() {
      const found = await lookup(host, { all: true, family });
      let ipv4 = found.filter((one) => one.family === 4);
      // One half of the question may have failed, and getaddrinfo answers with the other half alone: a working pool must
      // not move to IPv6 for that.
      if (family === 0 && hadIpv4 && ipv4.length === 0) ipv4 = await lookupIpv4(host, lookup);
      hadIpv4 = ipv4.length > 0;
      const chosen = family === 0 && hadIpv4 ? ipv4 : found;
      return { hosts: chosen.map(({ address }) => address), ttlMs: Number.POSITIVE_INFINITY };
    },
  };
}

/** None where there are none; rejects where nobody can say. */
async function lookupIpv4(host: string, lookup: SystemLookup): Promise<LookupAddress[]> {
  try {
    return await lookup(host, { all: true, family: 4 });
  } catch (error) {
    if ((error as { code?: unknown }).code === "ENOTFOUND") return [];
    throw error;
  }
}
