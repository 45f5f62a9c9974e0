import type { GrpcTransportOptions } from "@connectrpc/connect-node";
import { describeValue } from "../base/check.ts";

/** Options of TLS and sockets, and of node:http2. */
export type NodeOptions = NonNullable<GrpcTransportOptions["nodeOptions"]> & {
  /** The receive window of a connection. Default 8 388 608, from 65 535 to 2 147 483 647. */
  connectionWindowSize?: number;
};

/** The HTTP/2 engine of a transport. */
export interface EngineChoice {
  readonly name: "node" | "wire";
  /** The options that only node:http2 can serve, and that chose it by that. */
  readonly chosenBy: readonly string[];
}

/** Options of http2.connect that configure nghttp2. What is not here belongs to TLS, to sockets or to glink. */
const nodeOnly = new Set([
  "maxDeflateDynamicTableSize",
  "maxHeaderListPairs",
  "maxOutstandingPings",
  "maxReservedRemoteStreams",
  "maxSendHeaderBlockLength",
  "maxSessionMemory",
  "maxSettings",
  "paddingStrategy",
  "peerMaxConcurrentStreams",
  "protocol",
  "remoteCustomSettings",
  "strictFieldWhitespaceValidation",
  "unknownProtocolTimeout",
]);

/** Settings that both engines announce. */
const commonSettings = new Set(["initialWindowSize", "maxHeaderListSize"]);

/**
 * glink's own engine, unless `http2` says otherwise or `nodeOptions` asks for what only node:http2 can do. Throws a
 * TypeError for a value that is neither, and for an engine that would have to ignore an option.
 */
export function chooseEngine(http2: "node" | "wire" | undefined, nodeOptions: NodeOptions): EngineChoice {
  if (http2 !== undefined && http2 !== "node" && http2 !== "wire") {
    throw new TypeError(`http2 must be "node" or "wire", not ${describeValue(http2)}`);
  }
  const nodeOptionNames = nodeOnlyNames(nodeOptions);
  if (http2 === "node") return { name: "node", chosenBy: [] };
  if (nodeOptionNames.length === 0) return { name: "wire", chosenBy: [] };
  if (http2 === undefined) return { name: "node", chosenBy: nodeOptionNames };
  throw new TypeError(`http2 "wire" cannot serve ${nodeOptionNames.join(", ")}: leave http2 away, or use "node"`);
}

function nodeOnlyNames({ settings = {}, ...options }: NodeOptions): string[] {
  return [
    ...Object.keys(options).flatMap((name) => (nodeOnly.has(name) ? [`nodeOptions.${name}`] : [])),
    ...Object.keys(settings).flatMap((name) => (commonSettings.has(name) ? [] : [`nodeOptions.settings.${name}`])),
  ];
}
