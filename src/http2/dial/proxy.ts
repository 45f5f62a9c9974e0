import type { ConnectionOptions } from "node:tls";
import { checkNames, checkObject, describeValue, quotedUrl } from "../../base/check.ts";
import type { Address } from "../../endpoint/address.ts";
import type { Target } from "../../endpoint/target.ts";
import { type ProxyExceptions, readNoProxy } from "./no-proxy.ts";

/** An HTTP proxy, and how it is spoken to. */
export interface ProxyOptions {
  /** `"http://user:password@proxy:3128"`, or `https://` for a proxy that speaks TLS itself. */
  url: string;
  /** Options of `tls.connect` for an https proxy: `ca`, say. Those of the backends are `nodeOptions`. */
  tls?: ConnectionOptions;
}

/** What the option `proxy` takes. */
export type ProxyInit = string | ProxyOptions;

/** A proxy that asks backends for connections on our behalf. */
export interface HttpProxy {
  /** Without credentials: this is what may be shown. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** For a proxy that speaks TLS: options of `tls.connect`. */
  readonly tls: ConnectionOptions | undefined;
  /** What `Proxy-Authorization` says. A secret. */
  readonly authorization: string | undefined;
  /** Whether a connection to the address goes through it. */
  covers(address: Address): boolean;
}

/** Environment variables: the first that is set counts. */
const urlVariables = ["grpc_proxy", "HTTPS_PROXY", "https_proxy"] as const;
const exceptionVariables = ["no_grpc_proxy", "NO_PROXY", "no_proxy"] as const;

/** Environment variables by their names, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the option. Undefined: no proxy. Throws a TypeError that names the option, or the variable, and never quotes a
 * password.
 */
export function checkProxy(
  given: ProxyInit | undefined,
  target: Target,
  environment: Environment = process.env,
): HttpProxy | undefined {
  if (given === undefined) return undefined;
  if (given === "environment") return proxyOfEnvironment(target, environment);
  if (typeof given === "string") return proxyOf("proxy", given, undefined, () => false);
  const wanted = 'a URL such as "http://proxy:3128", "environment" or { url, tls }';
  const { url, tls } = checkObject("proxy", given, wanted);
  checkNames("proxy", given, ["url", "tls"]);
  if (typeof url !== "string") throw new TypeError(`proxy.url must be a string, not ${describeValue(url)}`);
  return proxyOf("proxy.url", url, tls === undefined ? undefined : checkObject("proxy.tls", tls), () => false);
}

/** As gRPC's other clients read it. What `no_proxy` excepts is the name in `baseUrl`, or the address of a backend. */
function proxyOfEnvironment({ host, port }: Target, environment: Environment): HttpProxy | undefined {
  const name = urlVariables.find((variable) => environment[variable]?.trim());
  if (name === undefined) return undefined;
  const exceptions = exceptionVariables.map((variable) => environment[variable]).find(Boolean);
  const excepts = readNoProxy(exceptions ?? "");
  if (excepts(host, port)) return undefined;
  const value = (environment[name] as string).trim();
  // "proxy:3128" is usual there.
  const url = /^[a-z][a-z\d+.-]*:\/\//i.test(value) ? value : `http://${value}`;
  return proxyOf(`the environment variable ${name}`, url, undefined, excepts);
}

function proxyOf(name: string, text: string, tls: ConnectionOptions | undefined, excepts: ProxyExceptions): HttpProxy {
  const refuse = (reason: string) => new TypeError(`${name} ${quotedUrl(text)} ${reason}`);
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw refuse('is not a URL: it needs a scheme and a host, as in "http://proxy:3128"');
  }
  const { protocol, hostname, port, pathname, search, hash, host } = url;
  if (protocol !== "http:" && protocol !== "https:") {
    throw refuse("is not the URL of an HTTP proxy: begin it with http:// or https://");
  }
  if (pathname !== "/" || search !== "" || hash !== "") throw refuse("has a path, a query or a fragment");
  if (port === "0") throw refuse("has port 0: use a port from 1 to 65535");
  if (tls !== undefined && protocol === "http:") throw refuse("speaks no TLS: proxy.tls is for https://");
  return {
    url: `${protocol}//${host}`,
    host: hostname.startsWith("[") ? hostname.slice(1, -1) : hostname,
    port: port === "" ? (protocol === "https:" ? 443 : 80) : Number(port),
    tls: protocol === "https:" ? (tls ?? {}) : undefined,
    authorization: authorizationOf(url, () => refuse("has credentials that are not percent-encoded as URLs have it")),
    covers: (address) => !("path" in address) && !excepts(address.host, address.port),
  };
}

/** RFC 7617. */
function authorizationOf({ username, password }: URL, refuse: () => Error): string | undefined {
  if (username === "" && password === "") return undefined;
  try {
    const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    return `Basic ${Buffer.from(credentials).toString("base64")}`;
  } catch {
    throw refuse();
  }
}
