import { mayHoldPassword, quotedUrl } from "../base/check.ts";
import { ipVersion } from "../base/ip-version.ts";

/** What `baseUrl` says: the name to resolve, and the name the peer must answer to. */
export interface Target {
  /** The base URL, normalised, without a trailing slash. */
  readonly url: string;
  /** True for https. */
  readonly tls: boolean;
  /** Host without brackets, lower case. */
  readonly host: string;
  /** The port of the URL, or 443 for https and 80 for http. */
  readonly port: number;
  /** What goes into `:authority`: host, and port unless it is the scheme's default. */
  readonly authority: string;
  /** Path prefix, "" or starting with "/" and not ending with one. */
  readonly pathPrefix: string;
  /** True when `host` is an IP literal: there is nothing to look up. */
  readonly isIpLiteral: boolean;
}

/** A dial under way. */
export interface PendingDial {
  /** Who is dialled: the text of an address, or a proxy. */
  readonly peer: string;
  /** What the peer has not answered yet: "TCP connect", say. */
  readonly waitsFor: string;
}

/** What has come of a target so far. One per transport: its pool and its dials write it, and who writes errors reads it. */
export interface TargetHistory {
  /** A connection to one of its backends was ready once. The port is right then, and advice to check it is not. */
  everConnected: boolean;
  /** The eldest first. */
  readonly dials: Set<PendingDial>;
}

/**
 * Reads a base URL. Throws a TypeError that names `baseUrl` and says what is wrong. It quotes the value unless that has
 * an "@": a password with a "/" in it is none to a URL parser, and would be quoted as a path.
 */
export function parseTarget(baseUrl: string): Target {
  if (typeof baseUrl !== "string") {
    throw new TypeError(`baseUrl must be a string like "http://echo.default.svc:50051", not ${typeof baseUrl}`);
  }
  const refuse = (reason: string) => new TypeError(`baseUrl ${quotedUrl(baseUrl)} ${reason}`);
  let url: URL;
  try {
    url = new URL(baseUrl);
  } catch {
    throw refuse('is not an absolute URL: it needs a scheme, a host and a port up to 65535, as in "http://echo:50051"');
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    // Of "user:secret@echo.test" the user is the scheme.
    const scheme = mayHoldPassword(baseUrl) ? "another scheme" : `the scheme "${url.protocol.slice(0, -1)}"`;
    throw refuse(`has ${scheme}: begin it with http:// (h2c) or https://`);
  }
  if (url.username !== "" || url.password !== "") {
    throw refuse("carries credentials: send them as an authorization header from an interceptor");
  }
  if (url.search !== "" || url.hash !== "") throw refuse("has a query or fragment: a gRPC path takes neither");
  if (url.port === "0") throw refuse("has port 0: use a port from 1 to 65535");
  const tls = url.protocol === "https:";
  const host = url.hostname.startsWith("[") ? url.hostname.slice(1, -1) : url.hostname;
  let pathPrefix = url.pathname;
  while (pathPrefix.endsWith("/")) pathPrefix = pathPrefix.slice(0, -1);
  return {
    url: url.origin + pathPrefix,
    tls,
    host,
    port: url.port === "" ? (tls ? 443 : 80) : Number(url.port),
    authority: url.host,
    pathPrefix,
    isIpLiteral: ipVersion(host) !== 0,
  };
}
