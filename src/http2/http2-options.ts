import type { Socket } from "node:net";
import type { ConnectionOptions } from "node:tls";
import { checkNumber, checkObject, longestMs, orDefault } from "../base/check.ts";
import type { Target } from "../endpoint/target.ts";
import type { SocketOptions } from "./dial/open-socket.ts";
import { checkProxy, type HttpProxy, type ProxyInit } from "./dial/proxy.ts";
import { chooseEngine, type EngineChoice, type NodeOptions } from "./engine-choice.ts";
import type { Http2Limits } from "./limits.ts";

/** How HTTP/2 is spoken on one connection. */
export interface Http2Init {
  /** For TCP, TLS and the peer's first SETTINGS together. Default 5 000, from 1. */
  connectTimeoutMs?: number;
  /**
   * What a peer may send as headers or trailers of one call. Default 65 536, from 1 024 to 2 147 483 647. Announced as
   * SETTINGS_MAX_HEADER_LIST_SIZE, and enforced. gRPC core: grpc.max_metadata_size.
   */
  maxHeaderListBytes?: number;
  /**
   * The HTTP/2 engine. Default `"wire"`: glink's own, written for gRPC calls, at a fraction of the CPU. `"node"`: Node's
   * own, node:http2. That is also the default where `nodeOptions` has something that only node:http2 can serve;
   * `snapshot()` tells.
   */
  http2?: "node" | "wire";
  /**
   * TLS options (`ca`, `cert`, `key`, `servername`, …), and options of node:http2, for every connection. Default: none. Of
   * glink's own: `connectionWindowSize`, what the receive windows of a connection may grow to. Default 16 MiB, from 65 535 to
   * 2 147 483 647. `settings.initialWindowSize` fixes that of a stream, and `connectionWindowSize`, then 8 MiB by default, is
   * that of the connection from the start; so are both on node:http2, whose streams have 1 MiB by default.
   */
  nodeOptions?: NodeOptions;
  /**
   * The HTTP proxy through which each backend's connection goes (CONNECT): `"http://user:password@proxy:3128"`, https for
   * one that speaks TLS itself, or an object of `url` and, for its TLS, `tls`. `"environment"`: what grpc_proxy, HTTPS_PROXY
   * or https_proxy say, and no_grpc_proxy, NO_PROXY or no_proxy except, when the transport is made. Default: none.
   */
  proxy?: ProxyInit;
}

export interface Http2Settings {
  readonly connectTimeoutMs: number;
  readonly engine: EngineChoice;
  readonly limits: Http2Limits;
  /** As they were given. */
  readonly nodeOptions: NodeOptions;
  /** What of `nodeOptions` is about sockets. */
  readonly socket: Pick<SocketOptions, "tls" | "createConnection" | "proxy">;
}

interface Http2Defaults extends Omit<Http2Limits, "windowsGrow">, Pick<Http2Settings, "connectTimeoutMs"> {
  readonly http2: EngineChoice["name"];
  /** What windows may grow to. */
  readonly largestWindowBytes: number;
}

export const http2Defaults: Http2Defaults = Object.freeze({
  connectTimeoutMs: 5_000,
  maxHeaderListBytes: 65_536,
  http2: "wire",
  connectionWindowBytes: 2 ** 23,
  initialWindowBytes: 2 ** 20,
  largestWindowBytes: 2 ** 24,
});

/** Windows of HTTP/2 are 31 bits wide (RFC 9113 §6.9.1), and a setting has 32. */
const largestBytes = 2 ** 31 - 1;

export function checkHttp2Options(given: Http2Init, target: Target): Http2Settings {
  const { nodeOptions = {} } = given;
  const { settings = {}, connectionWindowSize } = checkObject("nodeOptions", nodeOptions);
  const bytes = (name: string, value: number, min: number) =>
    checkNumber(name, value, { min, max: largestBytes, integer: true });
  const { connectTimeoutMs, connectionWindowBytes, initialWindowBytes, largestWindowBytes } = http2Defaults;
  const engine = chooseEngine(given.http2, nodeOptions);
  const windowsGrow = engine.name === "wire" && settings.initialWindowSize === undefined;
  const maxHeaderListBytes = orDefault(settings.maxHeaderListSize, http2Defaults.maxHeaderListBytes);
  return {
    connectTimeoutMs: checkNumber("connectTimeoutMs", orDefault(given.connectTimeoutMs, connectTimeoutMs), {
      min: 1,
      max: longestMs,
    }),
    engine,
    limits: {
      windowsGrow,
      initialWindowBytes: bytes(
        "nodeOptions.settings.initialWindowSize",
        orDefault(settings.initialWindowSize, initialWindowBytes),
        0,
      ),
      connectionWindowBytes: bytes(
        "nodeOptions.connectionWindowSize",
        orDefault(connectionWindowSize, windowsGrow ? largestWindowBytes : connectionWindowBytes),
        65_535,
      ),
      maxHeaderListBytes: bytes("maxHeaderListBytes", orDefault(given.maxHeaderListBytes, maxHeaderListBytes), 1_024),
    },
    nodeOptions,
    socket: socketOptionsOf(nodeOptions, checkProxy(given.proxy, target)),
  };
}

function socketOptionsOf(nodeOptions: NodeOptions, proxy: HttpProxy | undefined): Http2Settings["socket"] {
  const { createConnection } = nodeOptions;
  const tls = nodeOptions as ConnectionOptions;
  if (createConnection === undefined) return { tls, proxy };
  if (proxy !== undefined) {
    throw new TypeError("nodeOptions.createConnection opens every socket in its own way: leave it out, or proxy");
  }
  // Its type says Duplex, and node:http2 too takes more of it.
  return { tls, createConnection: (url) => createConnection(url, nodeOptions) as Socket };
}
