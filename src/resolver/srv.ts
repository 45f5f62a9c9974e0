import type { SrvRecord } from "node:dns";
import { checkBoolean, checkNames, checkNumber, checkObject, describeValue } from "../base/check.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { checkFamily, checkServers } from "./dns-options.ts";
import type { FamilyChoice } from "./families.ts";
import { Patience } from "./patience.ts";
import type { Resolver } from "./resolver.ts";
import { ServiceQuery } from "./service-query.ts";
import { endpointsOf, ServiceTargets } from "./service-targets.ts";
import { type ListRun, watchList } from "./watch-list.ts";

/** How SRV records are looked up. */
export interface SrvResolverOptions {
  /**
   * The name of the records: `"_grpc._tcp.echo.default.svc.cluster.local"`, or of a port that is named otherwise. Asked for
   * as it is written, without search domains. Default: `_grpc._tcp.` and the host of `baseUrl`.
   */
  name?: string;
  /** DNS servers, as in `dnsResolver`. Default: those of the operating system (resolv.conf). */
  servers?: readonly string[];
  /** 4 or 6: addresses of that family only. 0, the default: both, each target with all its addresses as one backend. */
  family?: 0 | 4 | 6;
  /** A lookup that takes longer has failed. In milliseconds, 1 to 60 000, default 5 000. */
  timeoutMs?: number;
  /** As in `dnsResolver`: what DNS seems to have lost is looked up twice. Default true. */
  confirmLosses?: boolean;
}

/**
 * Backends from SRV records (RFC 2782), which name a host and a port each: in Kubernetes the pods of a headless Service,
 * at a port that is found by its name, without any right. Priorities and weights of the records become `endpointPriority` and
 * `endpointWeight`; the target's name `endpointHostname`. A target with one IPv4 and one IPv6 address is one backend. The target
 * "." says that there is none.
 *
 * Looked up as by `dnsResolver`: at every refresh, when an address' TTL ends (those of SRV records Node does not tell), and
 * after failures. A failure, or no record at all, keeps the last good list.
 *
 * Throws a TypeError or RangeError that names the option, the value and what is allowed.
 */
export function srvResolver(options: SrvResolverOptions = {}): Resolver {
  checkObject("the options of srvResolver", options);
  checkNames("srvResolver", options, ["name", "servers", "family", "timeoutMs", "confirmLosses"]);
  const { name } = options;
  if (name !== undefined && (typeof name !== "string" || name === "")) {
    throw new TypeError(`srvResolver.name must be a name like "_grpc._tcp.echo.test", not ${describeValue(name)}`);
  }
  const servers = options.servers === undefined ? undefined : checkServers("srvResolver", options.servers);
  const family = checkFamily("srvResolver", options.family ?? 0);
  const timeoutMs = checkNumber("srvResolver.timeoutMs", options.timeoutMs ?? 5_000, { min: 1, max: 60_000 });
  const confirmLosses = checkBoolean("srvResolver.confirmLosses", options.confirmLosses ?? true);
  return {
    name: "srv",
    confirmLosses,
    watch({ host }, listener, runtime) {
      const lookup = new ServiceLookup({ name: name ?? `_grpc._tcp.${host}`, servers, family, timeoutMs }, runtime);
      return watchList({ run: (run) => lookup.run(run), timeoutMs, repeats: confirmLosses }, listener, runtime);
    },
  };
}

interface ServiceLookupOptions {
  readonly name: string;
  readonly servers: readonly string[] | undefined;
  readonly family: FamilyChoice;
  readonly timeoutMs: number;
}

class ServiceLookup {
  readonly #options: ServiceLookupOptions;
  readonly #patience: Patience;
  readonly #targets: ServiceTargets;

  constructor(options: ServiceLookupOptions, runtime: Runtime) {
    this.#options = options;
    this.#patience = new Patience(runtime, options.timeoutMs);
    this.#targets = new ServiceTargets(options.family);
  }

  async run(run: ListRun): Promise<{ againMs: number }> {
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
