import type { Resolver } from "../index.ts";
import { watchWithFallback } from "./fallback.ts";
import { checkOptions, clusterOf, type KubernetesResolverOptions, ownNamespace, serviceOf } from "./options.ts";
import { servicePortOf } from "./service-port.ts";

/**
 * The ready pods of a Service, as Kubernetes' EndpointSlices name them: heard of within a fraction of a second, with their
 * zones. It needs the right to list and watch endpointslices in the Service's namespace: docs/kubernetes.md.
 *
 * The slices are listed once and then watched. While the API server cannot be reached, or refuses, the last list stays.
 * Transports of one resolver that call the same port of the same Service share a watch; in a pod, those of all resolvers do.
 *
 * Throws a TypeError or RangeError that names the option, the value and what is allowed, and a TypeError outside a cluster
 * where no `server` is given.
 */
export function kubernetesResolver(options: KubernetesResolverOptions = {}): Resolver {
  checkOptions(options);
  const cluster = clusterOf(options);
  const given = serviceOf(options);
  const { fallback, zone, node, startSpreadMs = 0 } = options;
  return {
    name: "kubernetes",
    watch(target, listener, runtime) {
      const { namespace = ownNamespace(options), service, port = target.port } = given ?? servicePortOf(target);
      const of = { namespace, service, port, zone, node, startSpreadMs };
      if (fallback === undefined) return cluster.watch(of, listener, runtime);
      const context = { listener, runtime };
      return watchWithFallback((first) => cluster.watch(of, first, runtime), fallback, target, context);
    },
  };
}
