import { checkBoolean, checkNumber, checkObject, describeValue } from "../../base/check.ts";
import { checkThrottling, type RetryThrottling } from "../retry/retry-throttle.ts";
import type { ConfigLayer, MethodConfig } from "./method-config.ts";
import { codesOf, durationMs } from "./service-config-values.ts";

/**
 * gRPC's service config, as its JSON has it: `methodConfig` with `name`, `timeout`, `waitForReady`, `retryPolicy` and
 * `hedgingPolicy`, and `retryThrottling`. Other fields are ignored, as gRPC ignores those that it does not know.
 * (gRPC's service_config.md; gRFC A2, A6, A21)
 */
export interface ServiceConfig {
  /** What holds by service or method, each an object as gRPC has it. */
  readonly methodConfig?: readonly object[];
  /** The retry budget of the target: `maxTokens` and `tokenRatio` (gRFC A6). */
  readonly retryThrottling?: object;
  readonly [field: string]: unknown;
}

/** What a service config says, checked. */
export interface ParsedServiceConfig {
  /** By `service/method`, `service`, or the empty text: all methods that have no other. */
  readonly entries: ReadonlyMap<string, ConfigLayer>;
  readonly retryThrottling: RetryThrottling | undefined;
}

/** What clients of gRPC hold `maxAttempts` down to (gRFC A6). */
const mostAttempts = 5;

type Json = Readonly<Record<string, unknown>>;

/**
 * Reads a service config: JSON text, or what that parses to. Throws an error that names the field by its path below
 * `name`, the value and the range.
 */
export function parseServiceConfig(given: ServiceConfig | string, name = "serviceConfig"): ParsedServiceConfig {
  const config = checkObject(name, typeof given === "string" ? parsed(name, given) : given, "an object or JSON text");
  const entries = new Map<string, ConfigLayer>();
  for (const [i, value] of listAt(`${name}.methodConfig`, config.methodConfig).entries()) {
    const path = `${name}.methodConfig[${i}]`;
    const fields = objectAt(path, value);
    const layer: ConfigLayer = { origin: path, config: methodConfigOf(path, fields) };
    for (const key of keysOf(`${path}.name`, fields.name)) {
      if (entries.has(key)) {
        throw new TypeError(`${path}.name holds ${JSON.stringify(key)}, which an earlier methodConfig has already`);
      }
      entries.set(key, layer);
    }
  }
  const { retryThrottling } = config;
  return {
    entries,
    retryThrottling: isAbsent(retryThrottling)
      ? undefined
      : checkThrottling(`${name}.retryThrottling`, objectAt(`${name}.retryThrottling`, retryThrottling)),
  };
}

function parsed(name: string, text: string): ServiceConfig {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new TypeError(`${name} must be an object or JSON text, and this is no JSON: ${String(cause)}`, { cause });
  }
}

function keysOf(path: string, names: unknown): string[] {
  return listAt(path, names).map((value, i) => {
    const { service = "", method = "" } = withoutNulls(objectAt(`${path}[${i}]`, value));
    if (typeof service !== "string") throw new TypeError(`${path}[${i}].service must be a text`);
    if (typeof method !== "string") throw new TypeError(`${path}[${i}].method must be a text`);
    if (service === "" && method !== "") throw new TypeError(`${path}[${i}] has a method, and no service`);
    return method === "" ? service : `${service}/${method}`;
  });
}

function methodConfigOf(path: string, value: Json): MethodConfig {
  const { timeout, waitForReady, retryPolicy, hedgingPolicy } = withoutNulls(value);
  if (retryPolicy !== undefined && hedgingPolicy !== undefined) {
    throw new TypeError(`${path} has a retryPolicy and a hedgingPolicy: there can be one of them`);
  }
  return {
    ...(timeout === undefined ? {} : { timeoutMs: durationMs(`${path}.timeout`, timeout, "above 0") }),
    ...(waitForReady === undefined ? {} : { waitForReady: checkBoolean(`${path}.waitForReady`, waitForReady) }),
    ...(retryPolicy === undefined ? {} : retryOf(`${path}.retryPolicy`, objectAt(`${path}.retryPolicy`, retryPolicy))),
    ...(hedgingPolicy === undefined
      ? {}
      : hedgingOf(`${path}.hedgingPolicy`, objectAt(`${path}.hedgingPolicy`, hedgingPolicy))),
  };
}

function retryOf(path: string, policy: Json): MethodConfig {
  const multiplier = checkNumber(`${path}.backoffMultiplier`, policy.backoffMultiplier, { min: 0, max: 1_000_000 });
  if (multiplier === 0) throw new RangeError(`${path}.backoffMultiplier must be above 0`);
  const codes = codesOf(`${path}.retryableStatusCodes`, policy.retryableStatusCodes);
  if (codes.length === 0) throw new RangeError(`${path}.retryableStatusCodes must hold at least one code`);
  return {
    retry: {
      maxAttempts: attemptsOf(path, policy),
      initialBackoffMs: durationMs(`${path}.initialBackoff`, policy.initialBackoff, "above 0"),
      maxBackoffMs: durationMs(`${path}.maxBackoff`, policy.maxBackoff, "above 0"),
      multiplier,
      jitter: 0.2,
      codes,
    },
    // gRPC has one of the two.
    hedging: false,
  };
}

function hedgingOf(path: string, { hedgingDelay, nonFatalStatusCodes, ...policy }: Json): MethodConfig {
  return {
    hedging: {
      maxAttempts: attemptsOf(path, policy),
      delayMs: isAbsent(hedgingDelay) ? 0 : durationMs(`${path}.hedgingDelay`, hedgingDelay, "from 0"),
      nonFatalCodes: isAbsent(nonFatalStatusCodes) ? [] : codesOf(`${path}.nonFatalStatusCodes`, nonFatalStatusCodes),
      // Whoever wrote the config named the method.
      idempotentOnly: false,
    },
  };
}

function attemptsOf(path: string, { maxAttempts }: Json): number {
  const attempts = checkNumber(`${path}.maxAttempts`, maxAttempts, { min: 2, max: 2 ** 32 - 1, integer: true });
  return Math.min(attempts, mostAttempts);
}

function objectAt(path: string, value: unknown): Json {
  return checkObject(path, value as Json);
}

function listAt(path: string, value: unknown): readonly unknown[] {
  if (isAbsent(value)) return [];
  if (!Array.isArray(value)) throw new TypeError(`${path} must be an array, not ${describeValue(value)}`);
  return value;
}

/** As protobuf's JSON has it: null is a field that is not there. */
function isAbsent(value: unknown): boolean {
  return value === undefined || value === null;
}

function withoutNulls(fields: Json): Json {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => !isAbsent(value)));
}
