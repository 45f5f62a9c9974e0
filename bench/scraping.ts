import { setTimeout } from "node:timers/promises";
import { MeterProvider, MetricReader } from "@opentelemetry/sdk-metrics";
import { type ChannelView, type GlinkSnapshot, glinkTransport, staticResolver } from "../src/index.ts";
import { metricProducer, openTelemetry } from "../src/otel/index.ts";
import { prometheusText } from "../src/prometheus/index.ts";
import { medianOf } from "./statistics.ts";

/*
 * node --import tsx bench/scraping.ts [BACKENDS ...]
 * What a scrape with a label for the backend takes, in milliseconds of one turn of the event loop: medians of rounds. The snapshot is a transport's of one backend, with as many of the kind as asked for; taking it is not measured.
 */

const rounds = 9;
const counts = process.argv.slice(2).map(Number);

const transport = glinkTransport({ baseUrl: "http://echo.test", resolver: staticResolver(["127.0.0.1:1"]) });
transport.ready({ timeoutMs: 60_000 }).catch(() => undefined);
while (transport.snapshot().subchannels.length === 0) await setTimeout(10);
const real = transport.snapshot();
await transport.close();

class Reader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

for (const count of counts.length === 0 ? [1_000, 10_000] : counts) {
  const [one] = real.subchannels;
  if (one === undefined) throw new Error("the transport has no backend");
  const subchannels = Array.from({ length: count }, (_, i) => ({
    ...one,
    address: `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}:50051`,
    callsStarted: i,
  }));
  const snapshot: GlinkSnapshot = { ...real, subchannels };
  const view = {
    ...real,
    serverAddress: "echo.test",
    serverPort: 80,
    snapshot: () => snapshot,
    subscribe: () => () => {},
  };
  const producer = metricProducer({ backendLabel: true });
  producer.attach?.(view as unknown as ChannelView);
  const reader = new Reader({ cardinalitySelector: () => 2 * count });
  const sdk = openTelemetry({ backendLabel: true, meterProvider: new MeterProvider({ readers: [reader] }) });
  sdk.attach?.(view as unknown as ChannelView);
  const work: Record<string, () => unknown> = {
    // As bytes, which is what a server makes of it.
    prometheusText: () => Buffer.from(prometheusText([{ snapshot: () => snapshot }], { backendLabel: true })),
    metricProducer: () => producer.collect(),
    "openTelemetry, SDK included": () => reader.collect(),
  };
  for (const [name, scrape] of Object.entries(work)) {
    const times: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const start = performance.now();
      await scrape();
      times.push(performance.now() - start);
    }
    console.log(`${String(count).padStart(6)} backends  ${medianOf(times).toFixed(1).padStart(7)} ms  ${name}`);
  }
}
