import { createClient } from "@connectrpc/connect";
import { context } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { MeterProvider, MetricReader } from "@opentelemetry/sdk-metrics";
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  type Sampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import { EchoService } from "../proto/gen/glink/demo/v1/echo_pb.js";
import { type GlinkTransportOptions, glinkTransport, staticResolver } from "../src/index.ts";
import { metricProducer, openTelemetry } from "../src/otel/index.ts";
import { build } from "./build.ts";
import { Servers } from "./server-process.ts";
import { spreadOf } from "./statistics.ts";

// What glink/otel adds to a small unary call, in microseconds of CPU: `npm run bench:otel [-- ROUNDS]`. All variants are in
// this process and call the same two servers, 32 calls at once, in turn within each round. What counts is the median of
// the differences to the transport without instrumentation in the same round.

const rounds = Number(process.argv[2] ?? 15);
const callsPerRound = 4_000;
const callsAtOnce = 32;

/** At most, in microseconds. */
const budgets: Readonly<Record<string, number>> = { metrics: 3, "unsampled span": 2.5, "sampled span": 5 };

class Reader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

function spans(sampler: Sampler): GlinkTransportOptions["instrumentation"] & object {
  const exporter = {
    export: (_spans: unknown, done: (result: { code: number }) => void) => done({ code: 0 }),
    shutdown: async () => undefined,
  };
  const spanProcessors = [new BatchSpanProcessor({ exporter, maxQueueSize: 100_000 } as never)];
  const tracerProvider = new TracerProvider({ sampler, spanProcessors });
  return openTelemetry({ tracerProvider, propagator: new W3CTraceContextPropagator(), meterProvider: false });
}

context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
const meterProvider = new MeterProvider({ readers: [new Reader()] });
const variants: Readonly<Record<string, GlinkTransportOptions["instrumentation"] & object>> = {
  "no instrumentation": [],
  "no SDK": openTelemetry(),
  metrics: openTelemetry({ tracerProvider: false, propagator: false, meterProvider }),
  "metric producer, all metrics": metricProducer(),
  "unsampled span": spans(new AlwaysOffSampler()),
  "sampled span": spans(new AlwaysOnSampler()),
};

build();
const servers = await Servers.start();
const resolver = staticResolver(servers.backends("glink", { listener: "echo", addresses: 2 }));
const transports = Object.entries(variants).map(([name, instrumentation]) => {
  const transport = glinkTransport({ baseUrl: "http://localhost:1", resolver, instrumentation });
  return { name, transport, client: createClient(EchoService, transport), cpu: [] as number[] };
});
try {
  for (let round = 0; round <= rounds; round++) {
    for (let i = 0; i < transports.length; i++) {
      const { client, cpu } = transports[(round + i) % transports.length] as (typeof transports)[number];
      let left = callsPerRound;
      const before = process.cpuUsage();
      const callInTurn = async () => {
        while (left-- > 0) await client.unary({ text: "hello" });
      };
      await Promise.all(Array.from({ length: callsAtOnce }, callInTurn));
      const { user, system } = process.cpuUsage(before);
      // The first round warms up.
      if (round > 0) cpu.push((user + system) / callsPerRound);
    }
  }
} finally {
  for (const { transport } of transports) await transport.close();
  await servers.stop();
}
const plain = transports[0]?.cpu ?? [];
console.log(`no instrumentation: ${spreadOf(plain)?.median.toFixed(1)} µs a call, ${rounds} rounds`);
for (const { name, cpu } of transports.slice(1)) {
  const added = spreadOf(cpu.map((us, round) => us - (plain[round] as number)));
  const budget = budgets[name] === undefined ? "" : `, budget ${budgets[name]}`;
  console.log(
    `${name}: ${added?.median.toFixed(2)} µs more (${added?.min.toFixed(1)} to ${added?.max.toFixed(1)})${budget}`,
  );
}
process.exit(0);
