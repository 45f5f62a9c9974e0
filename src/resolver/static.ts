import { describeValue } from "../base/check.ts";
import { type Address, checkAddress, parseAddress } from "../endpoint/address.ts";
import { watchFixed } from "./fixed-watch.ts";
import type { Resolver } from "./resolver.ts";

/**
 * A fixed list of backends: `staticResolver(["10.0.0.1:50051", "[::1]:50051", { host, port }, "unix:/run/a.sock"])`.
 *
 * The host of `baseUrl` is still what TLS certificates are checked against and what `:authority` says. An address
 * without a port takes the port of `baseUrl`. One that is listed twice counts once.
 *
 * Throws a TypeError or RangeError that quotes the address that is wrong, or when there is none.
 */
export function staticResolver(addresses: readonly (string | Address)[]): Resolver {
  if (!Array.isArray(addresses) || addresses.length === 0) {
    const given = Array.isArray(addresses) ? "an empty one" : describeValue(addresses);
    throw new TypeError(`staticResolver needs a list of addresses, like ["10.0.0.1:50051"], not ${given}`);
  }
  const list = (addresses as readonly (string | Address)[]).map((address) =>
    typeof address === "string" ? address : { ...checkAddress(address) },
  );
  // Read now for its errors: which port an address without one gets is known only in watch.
  for (const address of list) toAddress(address, 1);
  return {
    name: "static",
    watch: ({ port }, listener) =>
      watchFixed(
        list.map((address) => toAddress(address, port)),
        listener,
      ),
  };
}

function toAddress(address: string | Address, defaultPort: number): Address {
  return typeof address === "string" ? parseAddress(address, defaultPort) : address;
}
