import type { LookupAddress } from "node:dns";
import { builtinModule } from "../runtime/builtin-modules.ts";
import { type Family, type FamilyChoice, type HostsByFamily, noHosts, orderFamilies } from "./families.ts";
import type { Lookup, LookupAnswer } from "./lookup.ts";

/** `lookup` of node:dns/promises, as far as it is used. */
export type SystemLookup = (
  host: string,
  options: { readonly all: true; readonly family: FamilyChoice },
) => Promise<LookupAddress[]>;

/**
 * The operating system's own lookup, getaddrinfo: hosts file, search domains, whatever nsswitch.conf says. It tells no
 * TTL, takes one thread of libuv's pool, and neither it nor the process it keeps alive can be released before it ends.
 */
export function systemLookup(
  host: string,
  family: FamilyChoice,
  lookup: SystemLookup = builtinModule("node:dns/promises").lookup,
): Lookup {
  return new OperatingSystemLookup(host, family, lookup);
}

class OperatingSystemLookup implements Lookup {
  readonly host: string;
  readonly source = "the operating system";
  readonly #family: FamilyChoice;
  readonly #lookup: SystemLookup;
  #known: HostsByFamily = noHosts;

  constructor(host: string, family: FamilyChoice, lookup: SystemLookup) {
    this.host = host;
    this.#family = family;
    this.#lookup = lookup;
  }

  async ask(): Promise<LookupAnswer> {
    const found = await this.#lookup(this.host, { all: true, family: this.#family });
    const known = { 4: hostsOf(found, 4), 6: hostsOf(found, 6) };
    const served = orderFamilies(this.#known).family;
    // One half of the question may have failed, and getaddrinfo answers with the other half alone: a working pool must
    // not move to another family, or be without its fallback, for that.
    for (const family of [4, 6] as const) {
      if (known[family].length > 0 || this.#known[family].length === 0) continue;
      known[family] = await this.#askAgain(family, family === served);
    }
    this.#known = known;
    return { ...orderFamilies(known), ttlMs: Number.POSITIVE_INFINITY };
  }

  /** None where there are none. Where nobody can say: rejects if it is `needed`, else what there was. */
  async #askAgain(family: Family, needed: boolean): Promise<readonly string[]> {
    try {
      return hostsOf(await this.#lookup(this.host, { all: true, family }), family);
    } catch (error) {
      if ((error as { code?: unknown }).code === "ENOTFOUND") return [];
      if (needed) throw error;
      return this.#known[family];
    }
  }
}

function hostsOf(found: readonly LookupAddress[], family: Family): readonly string[] {
  return found.filter((one) => one.family === family).map(({ address }) => address);
}
