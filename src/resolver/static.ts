import { type Address, parseAddress } from "../address.ts";
import type { Resolver } from "./resolver.ts";

/**
 * A fixed list of backends: `staticResolver(["10.0.0.1:50051", "[::1]:50051", { host, port }, "unix:/run/a.sock"])`.
 *
 * The host of `baseUrl` is still what TLS certificates are checked against and what `:authority` says. An address
 * without a port takes the port of `baseUrl`.
 *
 * Throws a TypeError or RangeError that quotes the address that is wrong, or when there is none.
 */
export function staticResolver(addresses: readonly (string | Address)[]): Resolver {
  if (!Array.isArray(addresses) || addresses.length === 0) {
    throw new TypeError('staticResolver needs a list of one or more addresses, like ["10.0.0.1:50051"]');
  }
  const list = [...addresses];
  for (const address of list) toAddress(address, 1);
  return {
    name: "static",
    watch(target, listener) {
      let closed = false;
      const report = () => {
        if (!closed) listener.onAddresses(list.map((address) => toAddress(address, target.port)));
      };
      queueMicrotask(report);
      return {
        // The list never changes: there is nothing to ask again.
        refresh: () => undefined,
        close: () => {
          closed = true;
        },
      };
    },
  };
}

function toAddress(address: string | Address, defaultPort: number): Address {
  return typeof address === "string" ? parseAddress(address, defaultPort) : address;
}
