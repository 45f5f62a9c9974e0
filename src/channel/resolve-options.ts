import type { ConnectionOptions } from "node:tls";
import { roundRobin } from "../balancing/round-robin.ts";
import {
  checkBoolean,
  checkNames,
  checkNumber,
  checkObject,
  definedFields,
  describeValue,
  longestMs,
} from "../base/check.ts";
import { checkRetryOptions, type RetryOptions, retryBudgetDefaults } from "../calls/retry/retry-options.ts";
import { parseTarget, type Target } from "../endpoint/target.ts";
import type { DialOptions } from "../http2/dial/dial.ts";
import { chooseEngine } from "../http2/engine-choice.ts";
import { checkLogger } from "../observe/logger.ts";
import { brotli, gzip } from "../protocol/builtin-compressions.ts";
import { checkCompression } from "../protocol/compression.ts";
import { dnsResolver } from "../resolver/dns.ts";
import { staticResolver } from "../resolver/static.ts";
import type { BackoffOptions } from "../runtime/backoff.ts";
import type {
  ConnectionSettings,
  GlinkTransportOptions,
  PoolingOptions,
  ProtocolOptions,
  ResolvedOptions,
  RetryInit,
} from "./options.ts";

/** Names that a user may give. What is not here is reported, never silently ignored. */
const knownNames = new Set<string>([
  "baseUrl",
  "useBinaryFormat",
  "interceptors",
  "jsonOptions",
  "binaryOptions",
  "acceptCompression",
  "sendCompression",
  "compressMinBytes",
  "readMaxBytes",
  "writeMaxBytes",
  "defaultTimeoutMs",
  "sessionManager",
  "nodeOptions",
  "pingIntervalMs",
  "pingIdleConnection",
  "pingTimeoutMs",
  "idleConnectionTimeoutMs",
  "resolver",
  "loadBalancing",
  "rotationIntervalMs",
  "maxConnectionAgeMs",
  "drainTimeoutMs",
  "connectTimeoutMs",
  "reconnectBackoff",
  "retry",
  "waitForReady",
  "maxQueuedCalls",
  "maxHeaderListBytes",
  "http2",
  "logger",
] satisfies (keyof GlinkTransportOptions)[]);

/** The largest message gRPC's length prefix can announce. */
const messageMaxBytes = 0xffffffff;

/** Windows of HTTP/2 are 31 bits wide (RFC 9113 §6.9.1). */
const windowMaxBytes = 2 ** 31 - 1;

const backoffDefaults: BackoffOptions = { initialBackoffMs: 250, multiplier: 1.6, jitter: 0.2, maxBackoffMs: 10_000 };

/**
 * Checks everything a user gave, once. Throws a TypeError or RangeError that names the option, the value and the range.
 * Unknown names are returned, for a warning.
 */
export function resolveOptions(options: GlinkTransportOptions): ResolvedOptions {
  checkObject("options", options);
  if (options.sessionManager !== undefined) {
    throw new TypeError(
      "sessionManager is one connection, and glink holds a pool of them: leave it out. " +
        "nodeOptions and the ping options apply to every connection of the pool",
    );
  }
  const { nodeOptions = {} } = options;
  if (options.resolver === undefined && "lookup" in checkObject("nodeOptions", nodeOptions)) {
    throw new TypeError(
      "nodeOptions.lookup finds one address for one connection, and glink holds a connection to each: " +
        "leave it out, and use the option resolver to find backends in your own way",
    );
  }
  const target = parseTarget(options.baseUrl);
  return Object.freeze({
    target,
    ...resolveProtocol(options),
    ...resolvePool(options, target),
    ...resolveConnection(options),
    retry: options.retry === false ? (false as const) : resolveRetry(orDefault(options.retry, {})),
    waitForReady: checkBoolean("waitForReady", orDefault(options.waitForReady, false)),
    logger: options.logger === undefined ? undefined : checkLogger(options.logger),
    unknownNames: Object.keys(options).filter((name) => !knownNames.has(name)),
  });
}

function resolveProtocol(options: GlinkTransportOptions): ProtocolOptions {
  const { interceptors = [], acceptCompression = [gzip, brotli], sendCompression } = options;
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
  if (!Array.isArray(acceptCompression)) {
    throw new TypeError(`acceptCompression must be an array, not ${describeValue(acceptCompression)}`);
  }
  for (const [i, one] of acceptCompression.entries()) checkCompression(`acceptCompression[${i}]`, one, "decompress");
  if (sendCompression !== undefined) checkCompression("sendCompression", sendCompression, "compress");
  const size = { min: 1, max: messageMaxBytes, integer: true };
  const { defaultTimeoutMs } = options;
  return {
    interceptors: [...interceptors],
    useBinaryFormat: checkBoolean("useBinaryFormat", orDefault(options.useBinaryFormat, true)),
    binaryOptions: options.binaryOptions,
    jsonOptions: options.jsonOptions,
    acceptCompression: [...acceptCompression],
    sendCompression,
    compressMinBytes: checkNumber("compressMinBytes", orDefault(options.compressMinBytes, 1_024), { ...size, min: 0 }),
    readMaxBytes: checkNumber("readMaxBytes", orDefault(options.readMaxBytes, messageMaxBytes), size),
    inflateMaxBytes: options.readMaxBytes,
    writeMaxBytes: checkNumber("writeMaxBytes", orDefault(options.writeMaxBytes, messageMaxBytes), size),
    defaultTimeoutMs:
      defaultTimeoutMs === undefined
        ? undefined
        : checkNumber("defaultTimeoutMs", defaultTimeoutMs, { min: 0, max: longestMs, infinity: "none" }),
  };
}

function resolvePool(options: GlinkTransportOptions, target: Target): PoolingOptions {
  // There is nothing to look up for an IP literal.
  const { resolver = target.isIpLiteral ? staticResolver([target]) : dnsResolver() } = options;
  const { loadBalancing = roundRobin() } = options;
  if (typeof resolver?.watch !== "function") {
    throw new TypeError(`resolver must be a Resolver, such as dnsResolver(), not ${describeValue(resolver)}`);
  }
  if (typeof loadBalancing?.createPolicy !== "function") {
    throw new TypeError(`loadBalancing must be a policy, such as roundRobin(), not ${describeValue(loadBalancing)}`);
  }
  const interval = { min: 1_000, max: longestMs, infinity: "off" };
  return {
    resolver,
    loadBalancing,
    rotationIntervalMs: checkNumber("rotationIntervalMs", orDefault(options.rotationIntervalMs, 30_000), interval),
    maxConnectionAgeMs: checkNumber("maxConnectionAgeMs", orDefault(options.maxConnectionAgeMs, 300_000), interval),
    drainTimeoutMs: checkNumber("drainTimeoutMs", orDefault(options.drainTimeoutMs, Number.POSITIVE_INFINITY), {
      min: 0,
      max: longestMs,
      infinity: "no limit",
    }),
    maxQueuedCalls: checkNumber("maxQueuedCalls", orDefault(options.maxQueuedCalls, 10_000), {
      min: 0,
      max: 1_000_000_000,
      integer: true,
      infinity: "no limit",
    }),
  };
}

function resolveConnection(options: GlinkTransportOptions): ConnectionSettings {
  const { pingIntervalMs, nodeOptions = {} } = options;
  const given = checkObject("reconnectBackoff", orDefault(options.reconnectBackoff, {}));
  const backoff = { ...backoffDefaults, ...definedFields(given) };
  checkNames("reconnectBackoff", backoff, Object.keys(backoffDefaults));
  checkNumber("reconnectBackoff.initialBackoffMs", backoff.initialBackoffMs, { min: 1, max: longestMs });
  checkNumber("reconnectBackoff.multiplier", backoff.multiplier, { min: 1, max: 1_000 });
  checkNumber("reconnectBackoff.jitter", backoff.jitter, { min: 0, max: 1 });
  checkNumber("reconnectBackoff.maxBackoffMs", backoff.maxBackoffMs, { min: 1, max: longestMs });
  const time = { min: 1, max: longestMs };
  const window = { min: 65_535, max: windowMaxBytes, integer: true };
  const { initialWindowSize = 2 ** 20, maxHeaderListSize } = nodeOptions.settings ?? {};
  return {
    reconnectBackoff: backoff,
    engine: chooseEngine(options.http2, nodeOptions),
    connectTimeoutMs: checkNumber("connectTimeoutMs", orDefault(options.connectTimeoutMs, 5_000), time),
    keepalive: {
      pingIntervalMs:
        pingIntervalMs === undefined
          ? undefined
          : checkNumber("pingIntervalMs", pingIntervalMs, { ...time, infinity: "no PINGs, not even the watchdog's" }),
      pingIdleConnection: checkBoolean("pingIdleConnection", orDefault(options.pingIdleConnection, false)),
      pingTimeoutMs: checkNumber("pingTimeoutMs", orDefault(options.pingTimeoutMs, 15_000), time),
    },
    idleConnectionTimeoutMs: checkNumber(
      "idleConnectionTimeoutMs",
      orDefault(options.idleConnectionTimeoutMs, 900_000),
      {
        ...time,
        infinity: "never",
      },
    ),
    limits: {
      initialWindowBytes: checkNumber("nodeOptions.settings.initialWindowSize", initialWindowSize, {
        ...window,
        min: 0,
      }),
      connectionWindowBytes: checkNumber(
        "nodeOptions.connectionWindowSize",
        orDefault(nodeOptions.connectionWindowSize, 2 ** 23),
        window,
      ),
      maxHeaderListBytes: checkNumber(
        "maxHeaderListBytes",
        orDefault(options.maxHeaderListBytes, maxHeaderListSize ?? 65_536),
        {
          min: 1_024,
          max: 2 ** 31 - 1,
          integer: true,
        },
      ),
      nodeOptions,
    },
  };
}

function resolveRetry(retry: RetryInit): RetryOptions {
  checkObject("retry", retry, "false or an object");
  const { budget, ...rest } = retry;
  if (budget === undefined) return checkRetryOptions(rest);
  if (budget === false) return checkRetryOptions({ ...rest, budget });
  checkObject("retry.budget", budget, "false or an object");
  return checkRetryOptions({ ...rest, budget: { ...retryBudgetDefaults, ...definedFields(budget) } });
}

/** The part of the options that a dial needs. */
export function dialOptionsOf(
  options: ResolvedOptions,
  target: Target,
): Omit<DialOptions, "runtime" | "tlsSessions" | "history"> {
  const { nodeOptions } = options.limits;
  const { createConnection } = nodeOptions;
  return {
    target,
    connectTimeoutMs: options.connectTimeoutMs,
    tls: nodeOptions as ConnectionOptions,
    createConnection:
      createConnection === undefined
        ? undefined
        : (url) => createConnection(url, nodeOptions) as ReturnType<NonNullable<DialOptions["createConnection"]>>,
  };
}

/** Absent and undefined mean the default; null is a value, and a wrong one. */
function orDefault<T>(value: T | undefined, fallback: T): T {
  return value === undefined ? fallback : value;
}
