import type { SrvRecord } from "node:dns";
import { ipVersion } from "../base/ip-version.ts";
import { describeCause } from "../base/thrown.ts";
import type { Address } from "../endpoint/address.ts";
import { endpointHostname, endpointPriority, endpointWeight, noAttributes } from "../endpoint/attributes.ts";
import type { Endpoint } from "../endpoint/endpoint.ts";
import { type Family, type FamilyChoice, type HostsByFamily, noHosts, orderFamilies } from "./families.ts";
import type { ServiceQuery } from "./service-query.ts";

/** What is known of the targets of SRV records. */
export interface ResolvedTargets {
  readonly found: ReadonlyMap<string, HostsByFamily>;
  /** The shortest of all addresses. `Infinity` where nobody says. */
  readonly ttlMs: number;
  /** What could not be learned, where nothing was known before. */
  readonly failures: readonly string[];
}

/** The addresses of the targets of SRV records: what a passing failure hides stays known. */
export class ServiceTargets {
  readonly #family: FamilyChoice;
  #known: ReadonlyMap<string, HostsByFamily> = new Map();

  constructor(family: FamilyChoice) {
    this.#family = family;
  }

  async resolve(records: readonly SrvRecord[], query: ServiceQuery): Promise<ResolvedTargets> {
    const found = new Map<string, HostsByFamily>();
    const failures: string[] = [];
    let ttlMs = Number.POSITIVE_INFINITY;
    const families = this.#family === 0 ? ([4, 6] as const) : [this.#family];
    const ask = async (target: string) => {
      // RFC 2782 wants a name; some write an address all the same.
      const family = ipVersion(target) as 0 | Family;
      if (family !== 0) {
        found.set(target, { ...noHosts, [family]: [target] });
        return;
      }
      const known = { ...(this.#known.get(target) ?? noHosts) };
      const errors: unknown[] = [];
      const asked = families.map(async (family) => {
        try {
          const answer = await query.addresses(target, family);
          known[family] = answer.hosts;
          ttlMs = Math.min(ttlMs, answer.ttlMs);
        } catch (error) {
          errors.push(error);
        }
      });
      await Promise.all(asked);
      found.set(target, known);
      const isUnknown = known[4].length + known[6].length === 0;
      if (errors.length > 0 && isUnknown) failures.push(`${target}: ${errors.map(describeCause).join("; ")}`);
    };
    await Promise.all([...new Set(records.map(({ name }) => name))].map(ask));
    this.#known = found;
    return { found, ttlMs, failures };
  }
}

/**
 * A target is one host (RFC 2782): with at most one address of each family it is one backend. One that has several of a
 * family is a name of several backends, which share its weight; families are then chosen between as for any name.
 */
export function endpointsOf(records: readonly SrvRecord[], found: ReadonlyMap<string, HostsByFamily>): Endpoint[] {
  return records.flatMap(({ name, port, priority, weight }) => {
    const { hosts, fallbackHosts } = orderFamilies(found.get(name) ?? noHosts);
    const isOneHost = hosts.length <= 1 && fallbackHosts.length <= 1;
    const addressLists: Address[][] = isOneHost
      ? [[...hosts, ...fallbackHosts].map((host) => ({ host, port }))]
      : hosts.map((host) => [{ host, port }]);
    // With a weight of 0 a record is chosen as often as with 1: the sum that is rolled has 0 in it.
    const share = Math.max(weight, 1) / addressLists.length;
    const attributes = noAttributes
      .with(endpointWeight, share)
      .with(endpointPriority, priority)
      .with(endpointHostname, name.replace(/\.$/, ""));
    return addressLists.filter(({ length }) => length > 0).map((addresses) => ({ addresses, attributes }));
  });
}
