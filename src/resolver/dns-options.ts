import { describeValue } from "../base/check.ts";
import { ipVersion } from "../base/ip-version.ts";
import { formatAddress, parseAddress } from "../endpoint/address.ts";
import type { FamilyChoice } from "./families.ts";

const dnsPort = 53;

/** The option `servers` of the resolver of this name. */
export function checkServers(resolver: string, servers: readonly string[]): readonly string[] {
  if (!Array.isArray(servers) || servers.length === 0) {
    const given = Array.isArray(servers) ? "an empty one" : describeValue(servers);
    throw new TypeError(`${resolver}.servers must be a list of DNS servers, like ["10.0.0.10:53"], not ${given}`);
  }
  return servers.map((server) => checkServer(resolver, server));
}

/** Node aborts the whole process on port 0, and drops the zone of an IPv6 address: neither may get there. */
function checkServer(resolver: string, server: unknown): string {
  const refuse = (cause?: unknown) =>
    new TypeError(
      `${resolver}.servers: ${describeValue(server)} is not an IP address, alone or with a port from 1 to 65535`,
      { cause },
    );
  if (typeof server !== "string") throw refuse();
  try {
    const address = parseAddress(server, dnsPort);
    if ("host" in address && ipVersion(address.host) !== 0 && !address.host.includes("%"))
      return formatAddress(address);
  } catch (error) {
    throw refuse(error);
  }
  throw refuse();
}

/** The option `family` of the resolver of this name. */
export function checkFamily(resolver: string, family: unknown): FamilyChoice {
  if (family === 0 || family === 4 || family === 6) return family;
  const message = `${resolver}.family must be 0, 4 or 6, not ${describeValue(family)}`;
  throw typeof family === "number" ? new RangeError(message) : new TypeError(message);
}
