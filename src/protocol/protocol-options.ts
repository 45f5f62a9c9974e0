import { checkBoolean, describeValue, orDefault } from "../base/check.ts";
import type { ProtocolName } from "../base/protocol-name.ts";

/** How calls are written on the wire. */
export interface ProtocolInit {
  /**
   * `"grpc"`; `"grpc-web"`, for ways that lose the trailers of HTTP; `"connect"`, plain HTTP for unary calls. All of them
   * over HTTP/2. Default `"grpc"`.
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

export const protocolDefaults: Readonly<Required<ProtocolInit>> = Object.freeze({
  protocol: "grpc",
  useHttpGet: false,
  httpVersion: "2",
});

const names: readonly ProtocolName[] = ["grpc", "grpc-web", "connect"];

/** Throws a TypeError that names the option. */
export function checkProtocolOptions(given: ProtocolInit): ProtocolChoice {
  const name = orDefault(given.protocol, protocolDefaults.protocol);
  if (!names.includes(name)) {
    throw new TypeError(`protocol must be "grpc", "grpc-web" or "connect", not ${describeValue(name)}`);
  }
  const version: unknown = orDefault(given.httpVersion, protocolDefaults.httpVersion);
  if (version !== "2") {
    throw new TypeError(
      `httpVersion must be "2", not ${describeValue(version)}: the calls of a pool share its connections, as HTTP/1.1 cannot. ` +
        "For a server without HTTP/2 there is connect-node's own transport",
    );
  }
  const useHttpGet = checkBoolean("useHttpGet", orDefault(given.useHttpGet, protocolDefaults.useHttpGet));
  if (useHttpGet && name !== "connect")
    throw new TypeError(`useHttpGet needs protocol "connect", not ${describeValue(name)}`);
  return { name, useHttpGet };
}
