import { checkBoolean, checkNames, checkNumber, checkObject } from "../base/check.ts";
import { ipVersion } from "../base/ip-version.ts";
import { Late } from "../runtime/late.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { checkFamily, checkServers } from "./dns-options.ts";
import { watchFixed } from "./fixed-watch.ts";
import type { Lookup } from "./lookup.ts";
import { PollingWatch } from "./polling-watch.ts";
import type { Resolver, ResolverListener } from "./resolver.ts";
import type { ServerLookupOptions } from "./server-lookup.ts";
import { ServiceConfigWatch } from "./service-config-watch.ts";
import { systemLookup } from "./system-lookup.ts";

/** How names are looked up. */
export interface DnsResolverOptions {
  /**
   * DNS servers to ask, as `"10.0.0.10"`, `"10.0.0.10:53"`, `"::1"` or `"[::1]:53"`: a further one is asked when those
   * before it are silent or fail. Answers are then also refreshed when their shortest TTL ends. The name is asked for
   * as it is written: no hosts file, no search domains.
   *
   * Default: the operating system's lookup (getaddrinfo), which knows both but tells no TTL.
   */
  servers?: readonly string[];
  /**
   * 4: IPv4 addresses only. 6: IPv6 addresses only. 0, the default: both are looked up, and one of them is used, because
   * a dual-stack backend would count as two. That is IPv4 if the name has IPv4 addresses and this machine has one too, else
   * IPv6. While no backend can be reached by it, none within 250 ms, those of the other family are used as well, until
   * the first has worked for 10 s. An IP literal in `baseUrl` is used whatever this says.
   */
  family?: 0 | 4 | 6;
  /**
   * A lookup that takes longer is reported as failed. In milliseconds, 1 to 60 000, default 5 000. The operating
   * system's lookup cannot be stopped: its late answer is still used, and the next one starts when it has ended.
   */
  timeoutMs?: number;
  /**
   * Default true: an answer that lacks more than half of the backends that are connected is believed only when a second
   * lookup, a second later, lacks them too. Until then those that work stay, `stale` in `snapshot()`. false: at once.
   */
  confirmLosses?: boolean;
  /**
   * `true`: the TXT record `_grpc_config.` and the name is asked for too, and what it says holds in place of the option
   * `serviceConfig`: the first of its choices for clientLanguage `node`, this machine's name and a percentage of clients. One
   * that is no good leaves the last in use. The name is asked for as it is written, without search domains. Default `false`.
   * gRFC A2.
   */
  serviceConfig?: boolean;
}

const optionNames: readonly string[] = ["servers", "family", "timeoutMs", "confirmLosses", "serviceConfig"];

/**
 * Every address of the name in `baseUrl` is a backend. An IP literal is one, and is never looked up.
 *
 * The name is looked up when the transport starts, at every refresh (the rotation timer, failing calls), when a TTL
 * ends, and after a failed lookup by itself; one lookup at a time, at least 1 s apart, and up to 30 s apart while
 * nothing gets better. A failure, a timeout or an empty answer keeps the last good list.
 *
 * Throws a TypeError or RangeError that names the option, the value and what is allowed.
 */
export function dnsResolver(options: DnsResolverOptions = {}): Resolver {
  checkObject("the options of dnsResolver", options);
  checkNames("dnsResolver", options, optionNames);
  const servers = options.servers === undefined ? undefined : checkServers("dnsResolver", options.servers);
  const family = checkFamily("dnsResolver", options.family ?? 0);
  const timeoutMs = checkNumber("dnsResolver.timeoutMs", options.timeoutMs ?? 5_000, { min: 1, max: 60_000 });
  const confirmLosses = checkBoolean("dnsResolver.confirmLosses", options.confirmLosses ?? true);
  const serviceConfig = checkBoolean("dnsResolver.serviceConfig", options.serviceConfig ?? false);
  return {
    name: "dns",
    confirmLosses,
    watch({ host, port }, listener, runtime) {
      if (ipVersion(host) !== 0) return watchFixed([{ host, port }], listener);
      const lookup =
        servers === undefined
          ? systemLookup(host, family)
          : serverLookup({ host, source: nameOf(servers), servers, family, timeoutMs }, runtime);
      const watch = (told: ResolverListener) => new PollingWatch({ lookup, port, timeoutMs }, told, runtime);
      // gRFC A10: what is known to be this machine has no record.
      if (!serviceConfig || /(^|\.)localhost\.?$/i.test(host)) return watch(listener);
      return new ServiceConfigWatch({ host, servers }, watch, listener, runtime);
    },
  };
}

function nameOf(servers: readonly string[]): string {
  return `DNS ${servers.length === 1 ? "server" : "servers"} ${servers.join(", ")}`;
}

function serverLookup(options: ServerLookupOptions, runtime: Runtime): Lookup {
  const { host, source } = options;
  const lookup = new Late(async () => {
    const { ServerLookup } = await import("./server-lookup.ts");
    return new ServerLookup(options, runtime);
  });
  return { host, source, ask: async (signal, found) => (await lookup.get()).ask(signal, found) };
}
