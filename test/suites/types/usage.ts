import { createServer as createHttpServer } from "node:http";
import type { ConnectRouter, Transport } from "@connectrpc/connect";
import { createClient, createContextValues } from "@connectrpc/connect";
import {
  type ConnectTransportOptions,
  compressionBrotli,
  compressionGzip,
  connectNodeAdapter,
  type GrpcTransportOptions,
  type GrpcWebTransportOptions,
} from "@connectrpc/connect-node";
import type { MeterProvider, TracerProvider } from "@opentelemetry/api";
import type { MetricProducer } from "@opentelemetry/sdk-metrics";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { type AdminPage, adminPage, channelz } from "../../../src/admin/index.ts";
import { consulResolver } from "../../../src/consul/index.ts";
import { Health, type HealthService, healthService, type Serving, ServingStatus } from "../../../src/health/index.ts";
import {
  dnsResolver,
  fileResolver,
  type GlinkEvent,
  type GlinkTransport,
  type GlinkTransportOptions,
  glinkCall,
  glinkTransport,
  pickFirst,
  type Resolver,
  roundRobin,
  srvResolver,
  staticResolver,
  unixResolver,
} from "../../../src/index.ts";
import { type KubernetesResolverOptions, kubernetesResolver } from "../../../src/kubernetes/index.ts";
import { metricProducer, type OpenTelemetryOptions, openTelemetry } from "../../../src/otel/index.ts";
import { promClientMetrics, prometheusHistograms, prometheusText } from "../../../src/prometheus/index.ts";
import { expectQuiet, manualResolver, recordEvents } from "../../../src/testing/index.ts";

/*
 * The types as a user meets them. Compiled with the repository, and by run.ts in a project of a user's, against the
 * packed package, with every version of TypeScript that is promised. Nothing here runs.
 */

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function holds<_Claim extends true>(): void {}

// Each field of GrpcTransportOptions is a field of glink's, with the same type; nodeOptions has one more field.
type Kept = Exclude<keyof GrpcTransportOptions, "nodeOptions">;
holds<Same<Pick<GlinkTransportOptions, Kept>, Pick<GrpcTransportOptions, Kept>>>();
holds<GlinkTransportOptions extends GrpcTransportOptions ? true : false>();
holds<GrpcTransportOptions extends GlinkTransportOptions ? true : false>();
holds<GlinkTransport extends Transport ? true : false>();

// So do those for createConnectTransport and createGrpcWebTransport, over HTTP/2.
type OverHttp2<Options> = Extract<Options, { httpVersion: "2" }>;
holds<OverHttp2<ConnectTransportOptions> extends GlinkTransportOptions ? true : false>();
holds<OverHttp2<GrpcWebTransportOptions> extends GlinkTransportOptions ? true : false>();

// One import changes: options that were typed for createGrpcTransport go on as they are.
const before: GrpcTransportOptions = {
  baseUrl: "https://echo.test:50051",
  useBinaryFormat: true,
  interceptors: [(next) => (request) => next(request)],
  jsonOptions: { ignoreUnknownFields: true },
  binaryOptions: { readUnknownFields: false },
  acceptCompression: [compressionGzip, compressionBrotli],
  sendCompression: compressionGzip,
  compressMinBytes: 1_024,
  readMaxBytes: 4 << 20,
  writeMaxBytes: 4 << 20,
  defaultTimeoutMs: 1_000,
  nodeOptions: { ca: "PEM", servername: "echo.test", settings: { initialWindowSize: 1 << 20 } },
  pingIntervalMs: 30_000,
  pingIdleConnection: true,
  pingTimeoutMs: 5_000,
  idleConnectionTimeoutMs: 60_000,
};
export const same: Transport = glinkTransport(before);

const custom: Resolver = {
  name: "my-registry",
  watch(_target, listener) {
    queueMicrotask(() => listener.onAddresses([{ host: "127.0.0.1", port: 50051 }]));
    return { refresh() {}, close() {} };
  },
};

export const all: GlinkTransport = glinkTransport({
  ...before,
  resolver: custom,
  loadBalancing: roundRobin(),
  rotationIntervalMs: Number.POSITIVE_INFINITY,
  maxConnectionAgeMs: 60_000,
  drainTimeoutMs: 1_000,
  connectTimeoutMs: 1_000,
  reconnectBackoff: { initialBackoffMs: 100 },
  retry: { maxAttempts: 2, idempotentOnly: true, budget: { ratio: 0.2 } },
  waitForReady: true,
  maxQueuedCalls: 100,
  maxQueuedBytes: 1 << 24,
  maxHeaderListBytes: 8_192,
  logger: { debug() {}, info() {}, warn() {}, error() {} },
  nodeOptions: { connectionWindowSize: 1 << 24 },
});
export const others: GlinkTransportOptions[] = [
  { baseUrl: "http://a", resolver: dnsResolver(), loadBalancing: pickFirst(), retry: false, logger: true },
  { baseUrl: "http://a", resolver: staticResolver(["10.0.0.1:50051"]), retry: { budget: false } },
  { baseUrl: "http://a", resolver: unixResolver("/run/echo.sock") },
];

export async function use(): Promise<void> {
  await using transport = glinkTransport({ baseUrl: "http://a" });
  await transport.ready({ timeoutMs: 1_000, signal: AbortSignal.timeout(1_000) });
  const client = createClient(EchoService, transport);
  const contextValues = createContextValues().set(glinkCall, {
    retry: { maxAttempts: 1 },
    onAttempt: ({ attempt, address, code }) => {
      holds<Same<typeof attempt, number>>();
      holds<Same<typeof address, string | undefined>>();
      return code;
    },
  });
  const response = await client.unary({ text: "hello" }, { contextValues, timeoutMs: 1_000 });
  holds<Same<typeof response.text, string>>();
  const unsubscribe = transport.subscribe((event: GlinkEvent) => {
    if (event.type === "goaway") event.address.toUpperCase();
    // @ts-expect-error: only some events have an address
    event.address;
  });
  unsubscribe();
  const [subchannel] = transport.snapshot().subchannels;
  subchannel?.connectionAgeMs?.toFixed();
  await transport.close({ timeoutMs: 1_000 });
}

export const mistakes: GlinkTransportOptions[] = [
  // @ts-expect-error: baseUrl is required
  {},
  // @ts-expect-error: no such option
  { baseUrl: "http://a", rotationInterval: 5 },
  // @ts-expect-error: a number of milliseconds
  { baseUrl: "http://a", rotationIntervalMs: "30s" },
  // @ts-expect-error: retry has no such field
  { baseUrl: "http://a", retry: { maxRetries: 3 } },
  // @ts-expect-error: true is not a policy
  { baseUrl: "http://a", retry: true },
  // @ts-expect-error: a resolver is made, not named
  { baseUrl: "http://a", resolver: "dns" },
  // @ts-expect-error: a logger has four levels
  { baseUrl: "http://a", logger: { info() {} } },
];

/** OpenTelemetry: with the providers and readers of its SDK. */
export function telemetry(tracerProvider: TracerProvider, meterProvider: MeterProvider): GlinkTransport {
  const options: OpenTelemetryOptions = {
    tracerProvider,
    meterProvider,
    conventions: ["semconv", "grpc"],
    metrics: { "grpc.client.attempt.duration": true },
    filter: ({ method }) => method.idempotency === "unknown",
  };
  const producer = metricProducer();
  holds<typeof producer extends MetricProducer ? true : false>();
  // @ts-expect-error: no such metric
  openTelemetry({ metrics: { "grpc.client.attempt": true } });
  // @ts-expect-error: no such signal
  openTelemetry({ loggerProvider: false });
  return glinkTransport({ baseUrl: "http://a", instrumentation: [openTelemetry(options), ...[producer]] });
}

/** The health service: a server's half, and a client of it. */
export async function health(transport: Transport): Promise<string> {
  const service: HealthService = healthService(["shop.v1.Orders"]);
  const serving: Serving = "not-serving";
  service.set("", serving);
  service.stop();
  const routes: (router: ConnectRouter) => void = service.routes;
  const { status } = await createClient(Health, transport).check({ service: "shop.v1.Orders" });
  for await (const { status: next } of createClient(Health, transport).watch({})) if (next === status) break;
  return `${status === ServingStatus.SERVING} ${typeof routes}`;
}

/** The testing kit: what it takes and gives. */
export async function testingKit(): Promise<string> {
  const resolver = manualResolver("127.0.0.1:50051", { host: "::1", port: 50_052 });
  return expectQuiet(async () => {
    const transport = glinkTransport({ baseUrl: "http://echo.test", resolver });
    const events = recordEvents(transport);
    resolver.fail(new Error("no such name"));
    const { added } = await events.until("pool-updated", ({ removed }) => removed.length === 0);
    const states: readonly string[] = events.ofType("subchannel-state").map(({ to }) => to);
    await transport.close();
    return [...added, ...states, resolver.watches + resolver.refreshes].join();
  });
}

/** Resolvers and the proxy: what they take. */
export const found: GlinkTransportOptions[] = [
  { baseUrl: "http://a", resolver: srvResolver({ name: "_grpc._tcp.a", servers: ["10.0.0.10"], family: 4 }) },
  { baseUrl: "http://a", resolver: fileResolver("/etc/backends.json", { pollIntervalMs: 500 }) },
  {
    baseUrl: "http://a",
    resolver: consulResolver({ service: "a", tags: ["v1"], token: () => "t", health: "warning" }),
  },
  { baseUrl: "http://a", resolver: dnsResolver({ confirmLosses: false }), proxy: "environment" },
  { baseUrl: "http://a", proxy: { url: "https://proxy.test", tls: { ca: "pem" } } },
  // @ts-expect-error: a proxy is a URL, or an object with one
  { baseUrl: "http://a", proxy: { host: "proxy.test" } },
];
// Metrics: the transport's own, and those of calls that it was given.
const histograms = prometheusHistograms();
const measured = glinkTransport({ baseUrl: "http://echo.test", instrumentation: histograms });
prometheusText([measured], { histograms, backendLabel: true }) satisfies string;
for (const metric of promClientMetrics([measured])) metric.get().then(({ values }) => values[0]?.labels.grpc_target);
/** A resolver of another door is one of the core's. */
export const kubernetes: Resolver = kubernetesResolver({ service: "echo", port: "grpc", fallback: dnsResolver() });
export const outside: KubernetesResolverOptions = { server: "https://a", ca: "PEM", token: async () => "token" };

/** A page about transports, for servers of both forms, and channelz as routes of Connect's. */
export async function admin(transport: GlinkTransport): Promise<void> {
  const page: AdminPage = adminPage([transport], {
    hosts: ["ops.example.com"],
    metrics: () => "calls 1",
    updateIntervalMs: 500,
  });
  const server = createHttpServer(page.node);
  const response: Response = await page.fetch(new Request("http://localhost/"));
  connectNodeAdapter({ routes: channelz([transport]) });
  // @ts-expect-error: a page is about a list of transports
  adminPage(transport);
  server.close();
  await response.text();
  page.close();
}
