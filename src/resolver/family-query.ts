import type { Resolver } from "node:dns/promises";
import { builtinModule } from "../runtime/builtin-modules.ts";
import type { Family } from "./families.ts";

/** What the servers said about one family. */
export interface FamilyAnswer {
  readonly family: Family;
  /** None where `error` says why. */
  readonly hosts: readonly string[];
  readonly ttlMs: number;
  /** That there are none, or why nobody can say: {@link isAbsence}. */
  readonly error: unknown;
}

/** The first round takes this share of the lookup's time: a lost packet is sent again early enough. */
const firstRoundShare = 1 / 4;

/**
 * Each server gets a packet this often, and the waits double from round to round. More than fit into the time of a
 * lookup: c-ares shortens the waits for servers that used to be fast, and the caller's limit must be the one that ends it.
 */
const rounds = 5;

/** Asks DNS servers for the A or the AAAA records of one name, again and again: a server that cannot answer comes last. */
export class FamilyQuery {
  readonly family: Family;
  readonly #host: string;
  readonly #timeoutMs: number;
  /** Of its own: the servers of one that is asked on behalf of another family could not be changed. */
  #resolver: Resolver;
  /** In the order in which they are asked. */
  #servers: readonly string[];
  /** The first round takes all the time: c-ares does not hear what comes after it has sent a packet again. */
  #isPatient = false;
  #canceled = false;

  /** `timeoutMs`: the time of a whole lookup. */
  constructor(family: Family, host: string, servers: readonly string[], timeoutMs: number) {
    this.family = family;
    this.#host = host;
    this.#timeoutMs = timeoutMs;
    this.#servers = servers;
    this.#resolver = this.#newResolver();
  }

  /** Asks once. Never rejects, and settles when nothing is left running. */
  async ask(): Promise<FamilyAnswer> {
    const { family } = this;
    this.#canceled = false;
    try {
      return { family, ...(await this.#askInTurn()), error: undefined };
    } catch (cause) {
      const type = family === 4 ? "A" : "AAAA";
      const isCanceled = codeOf(cause) === "ECANCELLED";
      if (isCanceled || codeOf(cause) === "ETIMEOUT") this.#changePatience();
      const error = isCanceled ? new Error(`no answer for the ${type} records of ${this.#host}`) : cause;
      return { family, hosts: [], ttlMs: Number.POSITIVE_INFINITY, error };
    }
  }

  /** Ends what runs: its answer is that there was none. */
  cancel(): void {
    this.#canceled = true;
    this.#resolver.cancel();
  }

  #newResolver(): Resolver {
    const { Resolver } = builtinModule("node:dns/promises");
    const firstRoundMs = this.#timeoutMs * (this.#isPatient ? 1 : firstRoundShare);
    const resolver = new Resolver({ timeout: Math.ceil(firstRoundMs / this.#servers.length), tries: rounds });
    resolver.setServers(this.#servers);
    return resolver;
  }

  /** There was no answer: packets may be lost, or the servers slower than a round. The next lookup tries the other. */
  #changePatience(): void {
    this.#isPatient = !this.#isPatient;
    this.#resolver = this.#newResolver();
  }

  /** c-ares asks the next server where one is silent, but takes "I cannot" for an answer. */
  async #askInTurn() {
    for (let refusals = 1; ; refusals++) {
      try {
        return await this.#askServers();
      } catch (error) {
        if (!isRefusal(error) || refusals >= this.#servers.length || this.#canceled) throw error;
        const [first, ...others] = this.#servers as [string, ...string[]];
        this.#servers = [...others, first];
        this.#resolver.setServers(this.#servers);
      }
    }
  }

  async #askServers() {
    const records =
      this.family === 4
        ? await this.#resolver.resolve4(this.#host, { ttl: true })
        : await this.#resolver.resolve6(this.#host, { ttl: true });
    let ttlSeconds = Number.POSITIVE_INFINITY;
    for (const { ttl } of records as readonly { readonly ttl?: number }[]) {
      // Node 20 knows the TTLs of the first 256 records alone.
      if (ttl !== undefined && ttl < ttlSeconds) ttlSeconds = ttl;
    }
    return { hosts: records.map(({ address }) => address), ttlMs: ttlSeconds * 1_000 };
  }
}

/** True when the servers answered that there is no such name or record: that alone proves something. */
export function isAbsence(error: unknown): boolean {
  const code = codeOf(error);
  return code === "ENOTFOUND" || code === "ENODATA";
}

/** True when a server answered that it cannot answer: another one may. */
function isRefusal(error: unknown): boolean {
  const code = codeOf(error);
  return code === "ESERVFAIL" || code === "EREFUSED" || code === "ENOTIMP" || code === "EFORMERR";
}

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown }).code;
}
