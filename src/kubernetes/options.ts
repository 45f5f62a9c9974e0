import { readFileSync } from "node:fs";
import type { Resolver } from "../index.ts";
import { Cluster } from "./cluster.ts";
import { GivenCredentials, ServiceAccountFiles, serviceAccountFolder } from "./credentials.ts";
import { isLabel, type ServicePort } from "./service-port.ts";

/** Which Service, through which API server. In a pod of the cluster nothing is needed. */
export interface KubernetesResolverOptions {
  /**
   * The Service to watch. Default: the host of `baseUrl`, which is then `service`, `service.namespace`,
   * `service.namespace.svc` or that with the cluster's domain.
   */
  service?: string;
  /** Its namespace, with `service`. Default: the one that this process runs in, and `default` outside a cluster. */
  namespace?: string;
  /**
   * The port: a number is the one that the pods listen on, 1 to 65 535, a name is that of a port of the Service. Default: the
   * number in `baseUrl`.
   */
  port?: number | string;
  /**
   * The API server outside a cluster, as an http or https URL. `http://127.0.0.1:8001` is that of `kubectl proxy`, which needs
   * no token. Default: the one that Kubernetes names to each pod.
   */
  server?: string;
  /** With `server`: the certificate of its authority, as PEM text. Default: the authorities that Node knows. */
  ca?: string;
  /** With `server`: a bearer token, or what returns one, called before each request. Default: none. */
  token?: string | (() => string | Promise<string>);
  /** With `server`: a client certificate, as PEM text. Default: none. */
  cert?: string;
  /** The key of `cert`, as PEM text. */
  key?: string;
  /**
   * The zone that this process runs in. With it the zone hints of EndpointSlices are obeyed, as kube-proxy does: where every
   * ready endpoint has hints and one names this zone, only those that name it are used. Default: hints are not obeyed.
   */
  zone?: string;
  /** The node that this process runs on, for hints that name nodes. They come before those for zones. Default: none. */
  node?: string;
  /** Used until the first list is there, and while there never is one: `dnsResolver()`. Default: calls wait for the list. */
  fallback?: Resolver;
  /**
   * With `fallback`: the first list is asked for at a time by chance within this, or as soon as calls fail, so that thousands of
   * processes which start together do not ask together. In milliseconds, 0 to 600 000, default 0: at once.
   */
  startSpreadMs?: number;
}

const optionNames = [
  "service",
  "namespace",
  "port",
  "server",
  "ca",
  "token",
  "cert",
  "key",
  "zone",
  "node",
  "fallback",
  "startSpreadMs",
] as const;

const longestSpreadMs = 600_000;

/** Throws a TypeError or RangeError that names the option, the value and what is allowed. */
export function checkOptions(options: KubernetesResolverOptions): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new TypeError(`the options of kubernetesResolver must be an object, not ${shown(options)}`);
  }
  for (const name of Object.keys(options)) {
    if (!(optionNames as readonly string[]).includes(name)) {
      throw new TypeError(
        `kubernetesResolver has no option ${JSON.stringify(name)}: it knows ${optionNames.join(", ")}`,
      );
    }
  }
  const { service, namespace, port, server, ca, token, cert, key, zone, node, fallback } = options;
  for (const [name, value] of Object.entries({ service, namespace })) {
    if (value !== undefined && !isLabel(value)) {
      throw new TypeError(`kubernetesResolver.${name} must be a name of Kubernetes, like "echo", not ${shown(value)}`);
    }
  }
  for (const [name, value] of Object.entries({ ca, cert, key, zone, node })) {
    if (value !== undefined && (typeof value !== "string" || value === "")) {
      throw new TypeError(`kubernetesResolver.${name} must be a text that is not empty, not ${kindOf(value)}`);
    }
  }
  if (service === undefined && (namespace !== undefined || port !== undefined)) {
    throw new TypeError("kubernetesResolver.namespace and port go with service: without it, baseUrl names all three");
  }
  checkPort(port);
  if (server === undefined) {
    for (const [name, value] of Object.entries({ ca, token, cert, key })) {
      if (value !== undefined) throw new TypeError(`kubernetesResolver.${name} goes with server`);
    }
  }
  if (token !== undefined && typeof token !== "function" && (typeof token !== "string" || /[^\x21-\x7e]/.test(token))) {
    throw new TypeError("kubernetesResolver.token must be a token, or a function that returns one");
  }
  if ((cert === undefined) !== (key === undefined)) {
    throw new TypeError("kubernetesResolver.cert and key go together");
  }
  if (fallback !== undefined && typeof fallback?.watch !== "function") {
    throw new TypeError(`kubernetesResolver.fallback must be a resolver, like dnsResolver(), not ${shown(fallback)}`);
  }
  checkSpread(options);
}

function checkSpread({ startSpreadMs, fallback }: KubernetesResolverOptions): void {
  if (startSpreadMs === undefined) return;
  const message = `kubernetesResolver.startSpreadMs must be a number from 0 to ${longestSpreadMs}, not ${shown(startSpreadMs)}`;
  if (typeof startSpreadMs !== "number") throw new TypeError(message);
  if (!(startSpreadMs >= 0 && startSpreadMs <= longestSpreadMs)) throw new RangeError(message);
  if (startSpreadMs > 0 && fallback === undefined) {
    throw new TypeError(
      "kubernetesResolver.startSpreadMs goes with fallback: without it, calls would wait for so long",
    );
  }
}

function checkPort(port: unknown): void {
  if (port === undefined) return;
  if (typeof port === "string" && port !== "") return;
  const message = `kubernetesResolver.port must be a number from 1 to 65535, or the name of a port, not ${shown(port)}`;
  if (typeof port !== "number") throw new TypeError(message);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new RangeError(message);
}

/** The Service that the options name; undefined: `baseUrl` does. */
export function serviceOf({
  service,
  namespace,
  port,
}: KubernetesResolverOptions):
  | (Omit<ServicePort, "port"> & { readonly port: number | string | undefined })
  | undefined {
  return service === undefined ? undefined : { service, namespace, port };
}

/** What a process in a pod sees: one for all resolvers, so that all transports share its watches. */
let ownCluster: Cluster | undefined;

/** The cluster that the options name, or the one around this process. */
export function clusterOf({ server, ca, token, cert, key }: KubernetesResolverOptions): Cluster {
  if (server !== undefined) {
    return new Cluster({ url: serverUrl(server), credentials: new GivenCredentials(token, ca), cert, key });
  }
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = "443" } = process.env;
  if (host === undefined || host === "") {
    throw new TypeError(
      "kubernetesResolver finds no cluster around this process (KUBERNETES_SERVICE_HOST is not set): outside of one give " +
        'it a server, as in { server: "http://127.0.0.1:8001" } with kubectl proxy',
    );
  }
  const url = new URL(`https://${host.includes(":") ? `[${host}]` : host}:${port}`);
  ownCluster ??= new Cluster({ url, credentials: new ServiceAccountFiles(serviceAccountFolder), cert, key });
  return ownCluster;
}

/** The namespace that a pod runs in. */
export function ownNamespace(options: KubernetesResolverOptions): string {
  if (options.server !== undefined) return "default";
  try {
    return readFileSync(`${serviceAccountFolder}/namespace`, "utf8").trim();
  } catch (cause) {
    throw new Error(
      `cannot read ${serviceAccountFolder}/namespace: name the namespace of the Service, as in echo.shop (${cause})`,
      { cause },
    );
  }
}

function serverUrl(server: unknown): URL {
  let url: URL | undefined;
  try {
    url = new URL(String(server));
  } catch {
    // Said below.
  }
  if (typeof server !== "string" || (url?.protocol !== "https:" && url?.protocol !== "http:") || url.search !== "") {
    throw new TypeError('kubernetesResolver.server must be an http or https URL, like "http://127.0.0.1:8001"');
  }
  if (url.username !== "" || url.password !== "") {
    throw new TypeError("kubernetesResolver.server must not carry credentials: give it a token");
  }
  return url;
}

/** A value that is no secret. */
function shown(value: unknown): string {
  if (typeof value === "number") return String(value);
  return typeof value === "string" ? JSON.stringify(value) : kindOf(value);
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (value === "") return "an empty one";
  return Array.isArray(value) ? "an array" : `a value of type ${typeof value}`;
}
