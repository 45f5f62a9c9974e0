import { checkBoolean, checkNames, checkNumber, checkObject, describeValue } from "../base/check.ts";
import { Late } from "../runtime/late.ts";
import { checkFamily, checkServers } from "./dns-options.ts";
import type { Resolver } from "./resolver.ts";
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
      const asked = { name: name ?? `_grpc._tcp.${host}`, servers, family, timeoutMs };
      const lookup = new Late(async () => {
        const { ServiceLookup } = await import("./service-lookup.ts");
        return new ServiceLookup(asked, runtime);
      });
      const run = async (run: ListRun) => (await lookup.get()).run(run);
      return watchList({ run, timeoutMs, repeats: confirmLosses }, listener, runtime);
    },
  };
}
