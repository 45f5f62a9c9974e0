/** Options of `adminPage`. */
export interface AdminPageOptions {
  /**
   * Names by which browsers may ask for the page, without port: `["ops.example.com"]` for a proxy in front of it. Default:
   * none beside `localhost` and IP addresses. Any other name in `Host` is refused, because a site could point a name of its
   * own at this process and read the page (DNS rebinding).
   */
  readonly hosts?: readonly string[];
  /** The text behind `metrics`, that of `glink/prometheus` say. Default: none, and no such resource. */
  readonly metrics?: () => string | Promise<string>;
  /** How often a page that is open is brought up to date. Default 2 000 ms; 250 to 60 000. */
  readonly updateIntervalMs?: number;
}

/** Options as the page uses them. */
export interface AdminPageSettings {
  readonly hosts: ReadonlySet<string>;
  readonly metrics: (() => string | Promise<string>) | undefined;
  readonly updateIntervalMs: number;
}

const known = ["hosts", "metrics", "updateIntervalMs"];

/** Throws a TypeError or RangeError that names option, value and range. */
export function checkAdminOptions(options: AdminPageOptions): AdminPageSettings {
  if (typeof options !== "object" || options === null)
    throw new TypeError("the options of adminPage must be an object");
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) throw new TypeError(`adminPage has no option "${name}": it knows ${known.join(", ")}`);
  }
  const { hosts = [], metrics, updateIntervalMs = 2_000 } = options;
  if (!Array.isArray(hosts)) throw new TypeError('hosts must be an array of host names, like ["ops.example.com"]');
  if (metrics !== undefined && typeof metrics !== "function") {
    throw new TypeError("metrics must be a function that returns text");
  }
  if (typeof updateIntervalMs !== "number") throw new TypeError(`updateIntervalMs ${intervalRange}`);
  if (!(updateIntervalMs >= 250 && updateIntervalMs <= 60_000)) {
    throw new RangeError(`updateIntervalMs ${intervalRange}, not ${updateIntervalMs}`);
  }
  return { hosts: new Set(hosts.map(checkHost)), metrics, updateIntervalMs };
}

const intervalRange = "must be a number from 250 to 60000";

function checkHost(host: unknown, at: number): string {
  if (typeof host !== "string" || !/^[a-z0-9._-]+$/i.test(host)) {
    throw new TypeError(`hosts[${at}] must be a host name without scheme and port, like "ops.example.com"`);
  }
  return host.toLowerCase();
}
