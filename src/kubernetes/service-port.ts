import type { ResolverTarget } from "../index.ts";

/** Whose EndpointSlices are watched, and which port of its pods is called. */
export interface ServicePort {
  /** Undefined: the namespace that this process runs in. */
  readonly namespace: string | undefined;
  readonly service: string;
  /** A number: the port that pods listen on. A name: the port of that name, whose number each slice says. */
  readonly port: number | string;
}

/** A name of an object of Kubernetes: RFC 1123 labels, which Services and namespaces have. */
const label = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

export function isLabel(text: unknown): text is string {
  return typeof text === "string" && label.test(text);
}

/**
 * Reads a host name of a cluster: `echo`, `echo.shop`, `echo.shop.svc` and `echo.shop.svc.cluster.local`, or another cluster
 * domain. Throws a TypeError for any other.
 */
export function servicePortOf({ host, port }: ResolverTarget): ServicePort {
  const [service, namespace, svc = "svc"] = host.replace(/\.$/, "").split(".");
  if (!isLabel(service) || (namespace !== undefined && !isLabel(namespace)) || svc !== "svc" || /^[\d.]+$/.test(host)) {
    throw new TypeError(
      `${host} is not the name of a Service: kubernetesResolver reads service, service.namespace and ` +
        "service.namespace.svc.cluster.local; for another host give it { namespace, service, port }",
    );
  }
  return { namespace, service, port };
}
