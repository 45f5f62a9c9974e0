import type { Interceptor } from "@connectrpc/connect";
import type { GrpcTransportOptions } from "@connectrpc/connect-node";
import { checkNumber, checkObject, describeValue, longestMs } from "../base/check.ts";
import type { ChannelOptions } from "../channel/channel-options.ts";
import { checkProtocolOptions, type ProtocolChoice, type ProtocolInit } from "../protocol/protocol-options.ts";
import { type CodecInit, type CodecSettings, checkCodecOptions } from "./codec-options.ts";

/**
 * Options of `glinkTransport`: every field of connect-node's GrpcTransportOptions with the same meaning, and glink's
 * own. Times are in milliseconds.
 */
export interface GlinkTransportOptions extends ChannelOptions, CodecInit, ProtocolInit, GrpcTransportOptions {
  nodeOptions?: NonNullable<ChannelOptions["nodeOptions"]>;
  /** Run for every call of the transport, the first of the list outermost. Default: none. */
  interceptors?: Interceptor[];
  /** For calls that name no timeout of their own. Default: none, from 0, which is none too; `Infinity`: none. */
  defaultTimeoutMs?: number;
  /** @deprecated Refused with a TypeError: it is one connection, and glink holds a pool of them. */
  sessionManager?: NonNullable<GrpcTransportOptions["sessionManager"]>;
}

/** The options of Connect's face, checked, and those of the channel, as they were given. */
export interface TransportSettings {
  readonly codec: CodecSettings;
  readonly protocol: ProtocolChoice;
  readonly interceptors: readonly Interceptor[];
  readonly defaultTimeoutMs: number | undefined;
  /** What of the options is not of Connect's face. */
  readonly channel: ChannelOptions;
}

/** Throws a TypeError or RangeError that names the option, the value and the range. */
export function checkTransportOptions(given: GlinkTransportOptions): TransportSettings {
  checkObject("options", given);
  if (given.sessionManager !== undefined) {
    throw new TypeError(
      "sessionManager is one connection, and glink holds a pool of them: leave it out. " +
        "nodeOptions and the ping options apply to every connection of the pool",
    );
  }
  const { interceptors = [], defaultTimeoutMs, sessionManager: _, ...others } = given;
  const { useBinaryFormat, binaryOptions, jsonOptions, acceptCompression, sendCompression, ...more } = others;
  const { compressMinBytes, writeMaxBytes, protocol: _name, useHttpGet, httpVersion, ...channel } = more;
  const protocol = checkProtocolOptions(given);
  return {
    codec: checkCodecOptions(given),
    protocol,
    interceptors: checkInterceptors(interceptors),
    defaultTimeoutMs:
      defaultTimeoutMs === undefined
        ? undefined
        : checkNumber("defaultTimeoutMs", defaultTimeoutMs, { min: 0, max: longestMs, infinity: "none" }),
    channel,
  };
}

function checkInterceptors(interceptors: readonly Interceptor[]): readonly Interceptor[] {
  if (!Array.isArray(interceptors)) {
    throw new TypeError(`interceptors must be an array of functions, not ${describeValue(interceptors)}`);
  }
  for (const [i, one] of interceptors.entries()) {
    if (typeof one !== "function") {
      throw new TypeError(
        `interceptors must be an array of functions, and interceptors[${i}] is ${describeValue(one)}`,
      );
    }
  }
  return [...interceptors];
}
