import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { createClient, createRouterTransport } from "@connectrpc/connect";
import { Channelz } from "../../proto/gen/grpc/channelz/v1/channelz_pb.js";
import { adminPage, channelz } from "../../src/admin/index.ts";
import type { GlinkTransport, Instrumentation, Logger } from "../../src/index.ts";
import { eventTypes } from "../../src/observe/event-bus.ts";
import { metricProducer, openTelemetry } from "../../src/otel/index.ts";
import { promClientMetrics, prometheusHistograms, prometheusText } from "../../src/prometheus/index.ts";
import { testMetrics, testTracing } from "../unit/otel/sdk.ts";

const plainChannels = eventTypes.map((type) => `glink:${type}`);
const tracingChannels = ["call", "attempt", "connect", "resolve"].flatMap((name) =>
  ["start", "end", "asyncStart", "asyncEnd", "error"].map((stage) => `tracing:glink:${name}:${stage}`),
);

/** Everything that a transport tells anybody but the caller of a call, by who tells it. */
export interface Outputs {
  /** For the transport's options. */
  readonly instrumentation: readonly Instrumentation[];
  readonly logger: Logger;
  /** Of what is to be read: before its first call. */
  watch(transport: GlinkTransport): void;
  /** All that was said so far, and what can be read now. */
  read(): Promise<Record<string, unknown>>;
  stop(): void;
}

export function everyOutput(): Outputs {
  const { tracerProvider, propagator, spans } = testTracing();
  const { meterProvider, collect } = testMetrics();
  const otel = { tracerProvider, meterProvider, propagator, backendLabel: true, attemptSpans: "always" } as const;
  const histograms = prometheusHistograms();
  const producer = metricProducer({ backendLabel: true });
  const [logged, events, published, traced]: unknown[][] = [[], [], [], []];
  const onPlain = (fact: unknown) => void published?.push(fact);
  const onTraced = (fact: unknown) => void traced?.push(fact);
  for (const name of plainChannels) subscribe(name, onPlain);
  for (const name of tracingChannels) subscribe(name, onTraced);
  const log = (...line: unknown[]) => void logged?.push(line);
  const watched: GlinkTransport[] = [];
  let page: ReturnType<typeof adminPage> | undefined;
  let routes: ReturnType<typeof channelz> | undefined;
  return {
    instrumentation: [openTelemetry(otel), producer, histograms],
    logger: { debug: log, info: log, warn: log, error: log },
    watch(transport) {
      watched.push(transport);
      transport.subscribe((event) => void events?.push(event));
      page = adminPage([transport]);
      routes = channelz([transport]);
    },
    async read() {
      const asked = (name: string) => (page as NonNullable<typeof page>).fetch(new Request(`http://localhost/${name}`));
      const stream = (await asked("events")).body?.getReader();
      const chunks: string[] = [];
      while (!chunks.join("").includes("event: parts")) {
        chunks.push(Buffer.from((await stream?.read())?.value ?? []).toString());
      }
      await stream?.cancel();
      const scraped = { histograms, backendLabel: true };
      return {
        logged,
        events,
        published,
        traced,
        snapshots: watched.map((one) => one.snapshot()),
        spans: spans().map(({ name, attributes, events, status }) => ({ name, attributes, events, status })),
        metrics: [...(await collect()).values()].map(({ name, points }) => [name, points]),
        produced: (await producer.collect()).resourceMetrics,
        prometheus: prometheusText(watched, scraped),
        promClient: await Promise.all(promClientMetrics(watched, scraped).map((metric) => metric.get())),
        page: await (await asked("")).text(),
        snapshotJson: await (await asked("snapshot.json")).text(),
        stream: chunks.join(""),
        channelz: await walked(routes as NonNullable<typeof routes>),
      };
    },
    stop() {
      for (const name of plainChannels) unsubscribe(name, onPlain);
      for (const name of tracingChannels) unsubscribe(name, onTraced);
      page?.close();
    },
  };
}

async function walked(routes: ReturnType<typeof channelz>): Promise<unknown> {
  const client = createClient(Channelz, createRouterTransport(routes));
  const { channel } = await client.getTopChannels({});
  const ids = channel.flatMap(({ subchannelRef }) => subchannelRef.map(({ subchannelId }) => subchannelId));
  const subchannels = await Promise.all(ids.map((subchannelId) => client.getSubchannel({ subchannelId })));
  const sockets = subchannels.flatMap(({ subchannel }) => subchannel?.socketRef ?? []);
  return [channel, subchannels, await Promise.all(sockets.map(({ socketId }) => client.getSocket({ socketId })))];
}

/** Every text in a value, keys and the hidden fields of errors included. */
export function textsOf(value: unknown, seen: Set<unknown> = new Set()): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null || seen.has(value) || ArrayBuffer.isView(value)) return [];
  seen.add(value);
  const inner = Object.getOwnPropertyNames(value).map((name) => (value as Record<string, unknown>)[name]);
  return [...Object.keys(value), ...inner.flatMap((one) => textsOf(one, seen))];
}
