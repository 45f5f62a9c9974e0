import type { Interceptor } from "@connectrpc/connect";
import { compressionBrotli, compressionGzip } from "@connectrpc/connect-node";
import {
  dnsResolver,
  type GlinkTransportOptions,
  type Instrumentation,
  type Resolver,
  srvResolver,
  staticResolver,
} from "../../../src/index.ts";
import { ca } from "../../support/certificates.ts";
import { infinity, type Json, type JsonObject } from "./draws.ts";
import { type Place, serviceName } from "./messages.ts";
import type { Plan } from "./plan.ts";
import { makePolicy } from "./policy-ranges.ts";

/** How a lookup is bounded: a round is short. */
const lookupTimeoutMs = 1_000;

/** The plan's options as glinkTransport takes them. */
export function makeOptions(plan: Plan, place: Place, instrumentation: Instrumentation): GlinkTransportOptions {
  const { engine, protocol, tls } = plan;
  const given = Object.fromEntries(
    Object.entries(plan.options).map(([name, drawn]) => [name, made(name, decode(drawn), place)]),
  );
  return {
    ...given,
    ...(given.instrumentation === true ? { instrumentation } : {}),
    ...(tls ? { nodeOptions: { ...(given.nodeOptions as object), ca } } : {}),
    baseUrl: `${tls ? "https" : "http"}://${serviceName}:${place.port}`,
    http2: engine,
    protocol,
    resolver: resolverOf(plan, place),
  };
}

/** Of the options that are not plain data, what was drawn stands for. */
function made(name: string, drawn: unknown, place: Place): unknown {
  if (name === "loadBalancing") return makePolicy(drawn as JsonObject);
  if (name === "proxy") return place.proxyUrl;
  if (name === "acceptCompression") return (drawn as string[]).map(compressionOf);
  if (name === "sendCompression") return compressionOf(drawn as string);
  if (name === "interceptors") return Array.from({ length: drawn as number }, () => passOn);
  if (name === "logger") return { debug: ignore, info: ignore, warn: ignore, error: ignore };
  return drawn;
}

function compressionOf(name: string) {
  return name === "br" ? compressionBrotli : compressionGzip;
}

function ignore(): void {
  return;
}

const passOn: Interceptor = (next) => (request) => next(request);

function resolverOf({ resolver }: Plan, { addresses, dnsServer }: Place): Resolver {
  if (resolver === "static") return staticResolver(addresses);
  const options = { servers: [dnsServer], timeoutMs: lookupTimeoutMs };
  return resolver === "srv" ? srvResolver(options) : dnsResolver({ ...options, family: 4 });
}

function decode(drawn: Json): unknown {
  if (drawn === infinity) return Number.POSITIVE_INFINITY;
  if (Array.isArray(drawn)) return drawn.map(decode);
  if (typeof drawn !== "object") return drawn;
  return Object.fromEntries(Object.entries(drawn).map(([name, value]) => [name, decode(value)]));
}
