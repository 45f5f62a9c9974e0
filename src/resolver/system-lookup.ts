import { lookup } from "node:dns/promises";
import type { AddressFamily, Lookup } from "./lookup.ts";

/**
 * The operating system's own lookup, getaddrinfo: hosts file, search domains, whatever nsswitch.conf says. It tells no
 * TTL, takes one thread of libuv's pool, and neither it nor the process it keeps alive can be released before it ends.
 */
export function systemLookup(host: string, family: AddressFamily): Lookup {
  return {
    host,
    source: "the operating system",
    async ask() {
      const found = await lookup(host, { all: true, family });
      const ipv4 = found.filter((one) => one.family === 4);
      const chosen = family === 0 && ipv4.length > 0 ? ipv4 : found;
      return { hosts: chosen.map(({ address }) => address), ttlMs: Number.POSITIVE_INFINITY };
    },
  };
}
