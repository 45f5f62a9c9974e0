import { checkBoolean, describeValue, orDefault } from "../base/check.ts";
import type { ProtocolName } from "./protocol.ts";

/** How calls are written on the wire. */
export interface ProtocolInit {
  /**
   * `"grpc"`; `"grpc-web"`, gRPC for ways that lose trailers; `"connect"`, plain HTTP for unary calls. All of them over HTTP/2.
   * Default `"grpc"`.
   */
  protocol?: ProtocolName;
  /** Unary calls of methods without side effects go as GET, which caches know. Only with `protocol: "connect"`. Default `false`. */
  useHttpGet?: boolean;
  /** `"2"`, as the originals have it: there is no other. Default `"2"`. */
  httpVersion?: "2";
}

export interface ProtocolChoice {
  readonly name: ProtocolName;
  readonly useHttpGet: boolean;
}

export const protocolDefaults: { readonly protocol: ProtocolName; readonly useHttpGet: boolean } = Object.freeze({
  protocol: "grpc",
  useHttpGet: false,
});

const names: readonly ProtocolName[] = ["grpc", "grpc-web", "connect"];

/** Throws a TypeError that names the option. */
export function checkProtocolOptions(given: ProtocolInit): ProtocolChoice {
  const name = orDefault(given.protocol, protocolDefaults.protocol);
  if (!names.includes(name)) {
    throw new TypeError(`protocol must be "grpc", "grpc-web" or "connect", not ${describeValue(name)}`);
  }
  const version: unknown = given.httpVersion;
  if (version !== undefined && version !== "2") {
    throw new TypeError(
      `httpVersion ${describeValue(version)}: a pool shares connections between calls, which HTTP/1.1 cannot. ` +
        'Leave it out or say "2", and use createConnectTransport for a server that speaks HTTP/1.1 alone',
    );
  }
  const useHttpGet = checkBoolean("useHttpGet", orDefault(given.useHttpGet, protocolDefaults.useHttpGet));
  if (useHttpGet && name !== "connect")
    throw new TypeError(`useHttpGet needs protocol "connect", not ${describeValue(name)}`);
  return { name, useHttpGet };
}
