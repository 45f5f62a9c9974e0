import {
  type AvailabilityInit,
  type AvailabilitySettings,
  checkAvailabilityOptions,
} from "../availability/availability-options.ts";
import { checkObject, orDefault } from "../base/check.ts";
import { type CallsInit, type CallsSettings, checkCallsOptions } from "../calls/calls-options.ts";
import { parseTarget, type Target } from "../endpoint/target.ts";
import { checkHttp2Options, type Http2Init, type Http2Settings } from "../http2/http2-options.ts";
import type { KeepaliveOptions } from "../http2/keepalive.ts";
import { checkKeepaliveOptions, type KeepaliveInit } from "../http2/keepalive-options.ts";
import { checkInstrumentation, type Instrumentation } from "../observe/instrumentation.ts";
import { checkLogger, type Logger } from "../observe/logger.ts";
import { checkPoolOptions, type PoolInit, type PoolSettings } from "../pool/pool-options.ts";
import {
  checkSubchannelOptions,
  type SubchannelInit,
  type SubchannelSettings,
} from "../subchannel/subchannel-options.ts";

/** Options of a channel: those of its parts, each in the words of the folder that it configures. Times are in milliseconds. */
export interface ChannelOptions
  extends PoolInit,
    AvailabilityInit,
    SubchannelInit,
    Http2Init,
    KeepaliveInit,
    CallsInit {
  /** Scheme, name, port and a path before each method's. Default: none, it has to be given. */
  baseUrl: string;
  /**
   * `true`: console, from info on. Or an object with debug, info, warn and error that take (fields, message), as pino has
   * it; each failed attempt is a debug line. Default: none, nothing is written.
   */
  logger?: Logger | true;
  /**
   * Follows every call and its attempts, and may read counts and events of the transport: for metrics and traces. One, or
   * several in the order in which they hear. Default: none, and calls cost nothing for it. gRFC A66's CallTracer.
   */
  instrumentation?: Instrumentation | readonly Instrumentation[];
}

/** The options with every default filled in and every value checked. */
export interface ChannelSettings extends PoolSettings, SubchannelSettings, Http2Settings, CallsSettings {
  readonly target: Target;
  readonly availability: AvailabilitySettings;
  readonly keepalive: KeepaliveOptions;
  readonly logger: Logger | undefined;
  readonly instrumentations: readonly Instrumentation[];
  /** Names that were given and mean nothing here. */
  readonly unknownNames: readonly string[];
}

/** Names that may be given. What is not here is reported, never silently ignored. */
const knownNames: Record<keyof ChannelOptions, true> = {
  admission: true,
  baseUrl: true,
  connectTimeoutMs: true,
  connectionsPerBackend: true,
  drainTimeoutMs: true,
  healthCheck: true,
  hedging: true,
  http2: true,
  idleConnectionTimeoutMs: true,
  instrumentation: true,
  loadBalancing: true,
  logger: true,
  maxConnectionAgeMs: true,
  maxHeaderListBytes: true,
  maxOpenCalls: true,
  maxQueuedBytes: true,
  maxQueuedCalls: true,
  methods: true,
  nodeOptions: true,
  outlierDetection: true,
  panicThreshold: true,
  pingIdleConnection: true,
  pingIntervalMs: true,
  pingTimeoutMs: true,
  proxy: true,
  readMaxBytes: true,
  reconnectBackoff: true,
  resolver: true,
  retry: true,
  rotationIntervalMs: true,
  serviceConfig: true,
  slowStartMs: true,
  subsetSize: true,
  waitForReady: true,
  zone: true,
};

/** Checks everything that was given, once. Throws a TypeError or RangeError that names the option, the value and the range. */
export function checkChannelOptions(given: ChannelOptions): ChannelSettings {
  checkObject("options", given);
  if (given.resolver === undefined && "lookup" in checkObject("nodeOptions", given.nodeOptions ?? {})) {
    throw new TypeError(
      "nodeOptions.lookup finds one address for one connection, and glink holds a connection to each: " +
        "leave it out, and use the option resolver to find backends in your own way",
    );
  }
  const target = parseTarget(given.baseUrl);
  return {
    target,
    ...checkPoolOptions(given, target),
    availability: checkAvailabilityOptions(given),
    ...checkSubchannelOptions(given),
    ...checkHttp2Options(given, target),
    ...checkCallsOptions(given),
    keepalive: checkKeepaliveOptions(given),
    logger: given.logger === undefined ? undefined : checkLogger(given.logger),
    instrumentations: checkInstrumentation(orDefault(given.instrumentation, [])),
    unknownNames: Object.keys(given).filter((name) => !Object.hasOwn(knownNames, name)),
  };
}
