import type { Resolver } from "node:dns/promises";
import { builtinModule } from "../runtime/builtin-modules.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { describeCause } from "../thrown.ts";
import type { AddressFamily, Lookup, LookupAnswer } from "./lookup.ts";

/** Whom to ask, and for what. */
export interface ServerLookupOptions {
  /** `ip`, `ip:port` or `[v6]:port`, checked: Node aborts the process on a port that is none. */
  readonly servers: readonly string[];
  readonly family: AddressFamily;
  /** The time of a whole lookup: lost packets are sent again, and further servers asked, within it. */
  readonly timeoutMs: number;
}

/** A query keeps the process alive. With no call open it is given up after this long. */
const abandonAfterMs = 1_000;

/**
 * Each server gets a packet this often, and the waits double from round to round. More than fit into the time of a
 * lookup: c-ares shortens the waits for servers that used to be fast, and the caller's limit must be the one that ends it.
 */
const rounds = 5;

/** The first round takes this share of the lookup's time: a lost packet is sent again early enough. */
const firstRoundShare = 1 / 4;

/** Asks DNS servers for A records, and for AAAA records where there are none. The name is asked for as it is written. */
export function serverLookup(host: string, options: ServerLookupOptions, runtime: Runtime): Lookup {
  return new ServerLookup(host, options, runtime);
}

class ServerLookup implements Lookup {
  readonly host: string;
  readonly source: string;
  readonly #families: readonly (4 | 6)[];
  readonly #runtime: Runtime;
  readonly #resolver: Resolver;
  /** In the order in which they are asked. */
  #servers: readonly string[];
  #lastFamily: 4 | 6 | undefined;

  constructor(host: string, { servers, family, timeoutMs }: ServerLookupOptions, runtime: Runtime) {
    this.host = host;
    this.source = `DNS ${servers.length === 1 ? "server" : "servers"} ${servers.join(", ")}`;
    this.#families = family === 0 ? [4, 6] : [family];
    this.#runtime = runtime;
    const timeout = Math.ceil((timeoutMs * firstRoundShare) / servers.length);
    const { Resolver } = builtinModule("node:dns/promises");
    this.#resolver = new Resolver({ timeout, tries: rounds });
    this.#resolver.setServers(servers);
    this.#servers = servers;
  }

  async ask(signal: AbortSignal): Promise<LookupAnswer> {
    const cancel = () => this.#resolver.cancel();
    signal.addEventListener("abort", cancel, { once: true });
    const idle = this.#whenAbandoned(cancel);
    try {
      return await this.#askFamilies(() => signal.aborted || idle.abandoned);
    } catch (error) {
      if (!idle.abandoned) throw error;
      throw new Error(
        `${this.source} gave no answer for ${this.host} within ${abandonAfterMs} ms, and no call waits for it`,
      );
    } finally {
      idle.stop();
      signal.removeEventListener("abort", cancel);
    }
  }

  async #askFamilies(canceled: () => boolean): Promise<LookupAnswer> {
    const errors: unknown[] = [];
    for (const family of this.#families) {
      try {
        const answer = await this.#askFor(family, canceled);
        this.#lastFamily = family;
        return answer;
      } catch (error) {
        errors.push(error);
        // A passing failure for IPv4 must not move a working pool to IPv6: "no such record" alone proves something.
        if (canceled() || (family === this.#lastFamily && !isAbsence(error))) break;
      }
    }
    const hint = errors.every(isAbsence) ? " (asked for as it is written, without search domains)" : "";
    throw new Error(`${this.source}: ${errors.map(describeCause).join("; ")}${hint}`, { cause: errors[0] });
  }

  /** c-ares asks the next server where one is silent, but takes "I cannot" for an answer. */
  async #askFor(family: 4 | 6, canceled: () => boolean): Promise<LookupAnswer> {
    for (let refusals = 1; ; refusals++) {
      try {
        return await this.#askServers(family);
      } catch (error) {
        if (!isRefusal(error) || refusals >= this.#servers.length || canceled()) throw error;
        const [first, ...others] = this.#servers as [string, ...string[]];
        this.#servers = [...others, first];
        this.#resolver.setServers(this.#servers);
      }
    }
  }

  async #askServers(family: 4 | 6): Promise<LookupAnswer> {
    const records =
      family === 4
        ? await this.#resolver.resolve4(this.host, { ttl: true })
        : await this.#resolver.resolve6(this.host, { ttl: true });
    let ttlSeconds = Number.POSITIVE_INFINITY;
    for (const { ttl } of records as readonly { readonly ttl?: number }[]) {
      // Node 20 knows the TTLs of the first 256 records alone.
      if (ttl !== undefined && ttl < ttlSeconds) ttlSeconds = ttl;
    }
    return { hosts: records.map(({ address }) => address), ttlMs: ttlSeconds * 1_000 };
  }

  /** Calls back, once, when no call was open for a while. */
  #whenAbandoned(callback: () => void): { readonly abandoned: boolean; stop(): void } {
    const { clock, hold } = this.#runtime;
    let abandoned = false;
    const abandon = () => {
      if (hold.held) return;
      abandoned = true;
      callback();
    };
    let timer = hold.held ? undefined : clock.setTimeout(abandon, abandonAfterMs);
    const stopWatching = hold.onIdle(() => {
      clock.clearTimeout(timer);
      timer = clock.setTimeout(abandon, abandonAfterMs);
    });
    return {
      get abandoned() {
        return abandoned;
      },
      stop() {
        clock.clearTimeout(timer);
        stopWatching();
      },
    };
  }
}

/** True when a server answered that it cannot answer: another one may. */
function isRefusal(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return code === "ESERVFAIL" || code === "EREFUSED" || code === "ENOTIMP" || code === "EFORMERR";
}

/** True when the servers answered that there is no such name or record. */
function isAbsence(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return code === "ENOTFOUND" || code === "ENODATA";
}
