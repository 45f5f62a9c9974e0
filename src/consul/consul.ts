import { type Resolver, type ResolverListener, watchList } from "../index.ts";
import { ConsulClient } from "./client.ts";
import { type ConsulResolverOptions, checkConsulOptions } from "./options.ts";
import { ServiceWatch } from "./service-watch.ts";

export type { ConsulResolverOptions };

/**
 * Backends from Consul: the instances of a service that pass their health checks, by blocking queries, so that a change is
 * known at once. Weights of instances become `endpointWeight`, the name of a node `endpointHostname`, and `zone` of an
 * instance's or a node's metadata, or their locality, `endpointZone`.
 *
 * A failure, or a service without an instance that passes, keeps the last good list: Consul cannot tell a service that is
 * gone from one that never was. Throws a TypeError or RangeError that names the option.
 */
export function consulResolver(options: ConsulResolverOptions = {}): Resolver {
  const settings = checkConsulOptions(options);
  return {
    name: "consul",
    watch({ host }, listener, runtime) {
      // "echo.service.consul" is how Consul's own DNS names it.
      const service = settings.service ?? host.replace(/\.service\.(?:[^.]+\.)?consul\.?$/, "");
      const client = new ConsulClient(settings, runtime);
      const watch = new ServiceWatch(service, settings, client, {
        clock: runtime.clock,
        onAsked: () => listener.onLookupStarted?.(),
      });
      const told: ResolverListener = {
        onResolution: (resolution) => listener.onResolution(resolution),
        onAddresses: () => undefined,
        onError: (error) => listener.onError(error),
      };
      const list = watchList({ debounceMs: 100, run: (run) => watch.query(run) }, told, runtime);
      return {
        refresh: () => list.refresh(),
        get nextLookupMs() {
          return list.nextLookupMs;
        },
        close: () => {
          list.close();
          client.close();
        },
      };
    },
  };
}
