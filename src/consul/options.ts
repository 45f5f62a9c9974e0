/** Which service of which Consul, and how it is asked. */
export interface ConsulResolverOptions {
  /** The name of the service. Default: the host of `baseUrl`, without `.service.consul`. */
  service?: string;
  /** The http or https URL of an agent or a server. Default `"http://127.0.0.1:8500"`. */
  url?: string;
  /** An ACL token with service:read and node:read; a function is asked at each query. Default: none. */
  token?: string | (() => string);
  /** Only instances that have all of these tags. Default: none. */
  tags?: readonly string[];
  /** `"passing"`, the default; or `"warning"`: also those whose checks warn, with the weight that they have for that. */
  health?: "passing" | "warning";
  /** Instances in the order of their distance to this node; `"_agent"`: to the agent that is asked. For `pickFirst`. */
  near?: string;
  /** The datacenter that is asked about. Default: the agent's own. */
  datacenter?: string;
  /** A namespace of Consul Enterprise. Default: the token's own. */
  namespace?: string;
  /** An expression in Consul's language of filters: `'Service.Meta.version == "2"'`. */
  filter?: string;
  /** True: any server may answer, and not the leader alone; one that has not heard of the leader for 10 s is not believed. */
  stale?: boolean;
  /** How long a query waits for a change. In milliseconds, 1 000 to 600 000, default 300 000. */
  waitMs?: number;
  /** For an https URL: `ca`, `cert`, `key`. */
  tls?: {
    /** PEM. Default: the authorities that Node trusts. */
    ca?: string | Buffer;
    /** PEM, for a Consul that asks who its clients are. Default: none. */
    cert?: string | Buffer;
    /** PEM, of the certificate. Default: none. */
    key?: string | Buffer;
  };
}

export interface ConsulSettings
  extends Pick<ConsulResolverOptions, "service" | "near" | "datacenter" | "namespace" | "filter"> {
  readonly url: URL;
  readonly token: () => string | undefined;
  readonly tags: readonly string[];
  readonly health: "passing" | "warning";
  readonly stale: boolean;
  readonly waitMs: number;
  readonly tls: NonNullable<ConsulResolverOptions["tls"]>;
}

const names: Readonly<Record<keyof ConsulResolverOptions, true>> = {
  service: true,
  url: true,
  token: true,
  tags: true,
  health: true,
  near: true,
  datacenter: true,
  namespace: true,
  filter: true,
  stale: true,
  waitMs: true,
  tls: true,
};

/** Throws a TypeError or RangeError that names the option, and never quotes a token. */
export function checkConsulOptions(given: ConsulResolverOptions): ConsulSettings {
  if (typeof given !== "object" || given === null)
    throw new TypeError("the options of consulResolver must be an object");
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(names, name)) continue;
    throw new TypeError(`consulResolver has no option "${name}": it knows ${Object.keys(names).join(", ")}`);
  }
  const { token, tags = [], health = "passing", stale = false, waitMs = 300_000, tls = {} } = given;
  if (token !== undefined && typeof token !== "string" && typeof token !== "function") {
    throw new TypeError("consulResolver.token must be a string or a function");
  }
  if (!Array.isArray(tags) || !tags.every((tag) => typeof tag === "string" && tag !== "")) {
    throw new TypeError("consulResolver.tags must be a list of strings");
  }
  if (health !== "passing" && health !== "warning") {
    throw new TypeError('consulResolver.health must be "passing" or "warning"');
  }
  if (typeof stale !== "boolean") throw new TypeError("consulResolver.stale must be true or false");
  if (typeof tls !== "object" || tls === null) throw new TypeError("consulResolver.tls must be an object");
  if (typeof waitMs !== "number" || !(waitMs >= 1_000 && waitMs <= 600_000)) {
    throw new RangeError(`consulResolver.waitMs must be a number from 1000 to 600000, not ${String(waitMs)}`);
  }
  for (const name of ["service", "near", "datacenter", "namespace", "filter"] as const) {
    const value: unknown = given[name];
    if (value === undefined || (typeof value === "string" && value !== "")) continue;
    throw new TypeError(`consulResolver.${name} must be a string that is not empty`);
  }
  return {
    ...given,
    url: checkUrl(given.url ?? "http://127.0.0.1:8500"),
    token: typeof token === "function" ? token : () => token,
    tags,
    health,
    stale,
    waitMs,
    tls,
  };
}

function checkUrl(given: unknown): URL {
  const wanted = 'consulResolver.url must be an http or https URL without credentials, like "http://127.0.0.1:8500"';
  if (typeof given !== "string" || !URL.canParse(given)) throw new TypeError(wanted);
  const url = new URL(given);
  const isPlain = url.username === "" && url.password === "" && url.search === "" && url.hash === "";
  if (!/^https?:$/.test(url.protocol) || !isPlain) throw new TypeError(wanted);
  return url;
}
