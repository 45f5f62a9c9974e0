import type { SrvRecord } from "node:dns";
import type { Resolver } from "node:dns/promises";
import { describeCause } from "../base/thrown.ts";
import { builtinModule } from "../runtime/builtin-modules.ts";
import type { Family } from "./families.ts";
import { isAbsence } from "./family-query.ts";

/** The addresses of one name in one family. */
export interface Hosts {
  readonly hosts: readonly string[];
  readonly ttlMs: number;
}

/** A packet that is lost is sent again so often; the waits double. */
const triesPerServer = 3;

/** So many queries at once: a reply to each has to fit into the socket's buffer. */
const mostAtOnce = 32;

/** Asks DNS servers in turn, each query from the one that answered last: one that is silent or cannot answer is passed over. */
export class ServiceQuery {
  readonly #resolvers: readonly Resolver[];
  #first = 0;
  #open = 0;
  readonly #waiting: (() => void)[] = [];
  #canceled = false;

  /** `servers`: undefined for those of the operating system. `timeoutMs`: the time of a whole lookup. */
  constructor(servers: readonly string[] | undefined, timeoutMs: number) {
    const { Resolver } = builtinModule("node:dns/promises");
    const all = servers ?? new Resolver().getServers();
    const perServerMs = timeoutMs / all.length;
    const timeout = Math.max(1, Math.floor(perServerMs / (2 ** triesPerServer - 1)));
    this.#resolvers = all.map((server) => {
      const resolver = new Resolver({ timeout, tries: triesPerServer });
      resolver.setServers([server]);
      return resolver;
    });
  }

  /** Empty where there are none. Rejects where nobody can say. */
  services(name: string): Promise<readonly SrvRecord[]> {
    return this.#ask((resolver) => resolver.resolveSrv(name), []);
  }

  async addresses(name: string, family: Family): Promise<Hosts> {
    type Records = readonly { readonly address: string; readonly ttl: number }[];
    const records = await this.#ask<Records>(
      (resolver) => (family === 4 ? resolver.resolve4(name, { ttl: true }) : resolver.resolve6(name, { ttl: true })),
      [],
    );
    const ttls = records.map(({ ttl }) => ttl ?? Number.POSITIVE_INFINITY);
    return { hosts: records.map(({ address }) => address), ttlMs: Math.min(...ttls) * 1_000 };
  }

  /** Ends what runs: everything rejects. */
  cancel(): void {
    this.#canceled = true;
    for (const resolver of this.#resolvers) resolver.cancel();
  }

  async #ask<T>(ask: (resolver: Resolver) => Promise<T>, absent: T): Promise<T> {
    if (this.#open >= mostAtOnce) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#open++;
    try {
      return await this.#askInTurn(ask, absent);
    } finally {
      this.#open--;
      this.#waiting.shift()?.();
    }
  }

  async #askInTurn<T>(ask: (resolver: Resolver) => Promise<T>, absent: T): Promise<T> {
    const first = this.#first;
    const errors: unknown[] = [];
    for (let i = 0; i < this.#resolvers.length && !this.#canceled; i++) {
      const place = (first + i) % this.#resolvers.length;
      try {
        const answer = await ask(this.#resolvers[place] as Resolver);
        this.#first = place;
        return answer;
      } catch (error) {
        if (isAbsence(error)) return absent;
        errors.push(error);
      }
    }
    throw new Error(errors.length === 0 ? "the query was given up" : errors.map(describeCause).join("; "), {
      cause: errors[0],
    });
  }
}
