import type { SrvRecord } from "node:dns";
import type { Runtime } from "../runtime/runtime.ts";
import type { FamilyChoice } from "./families.ts";
import { Patience } from "./patience.ts";
import { ServiceQuery } from "./service-query.ts";
import { endpointsOf, ServiceTargets } from "./service-targets.ts";
import type { ListRun } from "./watch-list.ts";

/** What is looked up, and how. */
export interface ServiceLookupOptions {
  readonly name: string;
  readonly servers: readonly string[] | undefined;
  readonly family: FamilyChoice;
  readonly timeoutMs: number;
}

/** Looks up the SRV records of one name, and the addresses of their targets. */
export class ServiceLookup {
  readonly #options: ServiceLookupOptions;
  readonly #patience: Patience;
  readonly #targets: ServiceTargets;

  constructor(options: ServiceLookupOptions, runtime: Runtime) {
    this.#options = options;
    this.#patience = new Patience(runtime, options.timeoutMs);
    this.#targets = new ServiceTargets(options.family);
  }

  async run(run: ListRun): Promise<{ againMs: number }> {
    run.signal.throwIfAborted();
    const { name, servers, timeoutMs } = this.#options;
    // For each lookup anew: the operating system's servers may be others by now.
    const query = new ServiceQuery(servers, timeoutMs);
    const cancel = () => query.cancel();
    run.signal.addEventListener("abort", cancel, { once: true });
    const patience = this.#patience.begin(cancel);
    try {
      const records = await query.services(name);
      if (records.length === 0) throw new Error(`there are no SRV records (asked for as it is written)`);
      const somewhere = records.filter(({ name: target }) => target !== "" && target !== ".");
      if (somewhere.length === 0) {
        run.report({ endpoints: [], authoritative: true });
        return { againMs: Number.POSITIVE_INFINITY };
      }
      return await this.#resolve(somewhere, query, run);
    } catch (cause) {
      const after = patience.endedAfterMs;
      const why =
        after === undefined ? (cause as Error).message : `no answer within ${after} ms, and no call waits for it`;
      throw new Error(`SRV ${name}: ${why}`, { cause });
    } finally {
      patience.stop();
      run.signal.removeEventListener("abort", cancel);
    }
  }

  async #resolve(records: readonly SrvRecord[], query: ServiceQuery, run: ListRun): Promise<{ againMs: number }> {
    const callable = records.filter(({ port }) => port !== 0);
    const { found, ttlMs, failures: unknown } = await this.#targets.resolve(callable, query);
    const endpoints = endpointsOf(callable, found);
    const portless = records.filter(({ port }) => port === 0).map(({ name }) => `${name}: its port is 0`);
    const failures = [...portless, ...unknown];
    // What is known is of use, whatever is still to be learned.
    if (endpoints.length > 0) run.report({ endpoints });
    if (failures.length > 0) throw new Error(failures.join("; "));
    if (endpoints.length === 0) throw new Error("none of the targets has an address");
    return { againMs: ttlMs };
  }
}
