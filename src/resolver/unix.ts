import { describeValue } from "../base/check.ts";
import { watchFixed } from "./fixed-watch.ts";
import type { Resolver } from "./resolver.ts";

/**
 * One backend on a Unix domain socket: `unixResolver("/run/echo.sock")`. A leading "@" or NUL names Linux' abstract
 * namespace.
 *
 * The host of `baseUrl` is still what TLS certificates are checked against and what `:authority` says:
 * "http://localhost" is usual.
 *
 * Throws a TypeError when `path` is not a path.
 */
export function unixResolver(path: string): Resolver {
  if (typeof path !== "string" || path === "" || path.startsWith("unix:")) {
    throw new TypeError(`unixResolver needs the path of a socket, like "/run/echo.sock", not ${describeValue(path)}`);
  }
  return {
    name: "unix",
    grpcTarget: grpcTargetOf(path),
    watch: (_target, listener) => watchFixed([{ path }], listener),
  };
}

/** gRPC's naming.md. */
function grpcTargetOf(path: string): string {
  if (/^[@\0]/.test(path)) return `unix-abstract:${path.slice(1)}`;
  return path.startsWith("/") ? `unix://${path}` : `unix:${path}`;
}
