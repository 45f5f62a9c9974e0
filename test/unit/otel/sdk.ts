import { context, type HrTime, SpanStatusCode } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from "@opentelemetry/core";
import { type DataPoint, MeterProvider, MetricReader, type MetricReaderOptions } from "@opentelemetry/sdk-metrics";
import {
  AlwaysOnSampler,
  InMemorySpanExporter,
  type ReadableSpan,
  type Sampler,
  SimpleSpanProcessor,
  TracerProvider,
} from "@opentelemetry/sdk-trace";

/** An application's own context, in this process. */
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());

/** What an application has for traces, in memory. */
export interface TestTracing {
  readonly tracerProvider: TracerProvider;
  readonly propagator: CompositePropagator;
  /** Spans that have ended, in that order. */
  spans(): ReadableSpan[];
  /** Those of one name. */
  named(name: string): ReadableSpan[];
}

export function testTracing(sampler: Sampler = new AlwaysOnSampler()): TestTracing {
  const exporter = new InMemorySpanExporter();
  const tracerProvider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })], sampler });
  const propagators = [new W3CTraceContextPropagator(), new W3CBaggagePropagator()];
  return {
    tracerProvider,
    propagator: new CompositePropagator({ propagators }),
    spans: () => exporter.getFinishedSpans(),
    named: (name) => exporter.getFinishedSpans().filter((span) => span.name === name),
  };
}

/** A span as a line: its status, its attributes without those of every span, and its events. */
export function storyOf({ status, attributes, events }: ReadableSpan): string[] {
  const { "server.address": _1, "server.port": _2, "rpc.system.name": _3, "rpc.method": _4, ...rest } = attributes;
  const state = SpanStatusCode[status.code] + (status.message === undefined ? "" : ` ${status.message}`);
  return [state, ...linesOf(rest), ...events.map(({ name, attributes }) => [name, ...linesOf(attributes)].join(" "))];
}

function linesOf(attributes: object = {}): string[] {
  return Object.entries(attributes)
    .filter(([name]) => !name.startsWith("network.peer."))
    .map(([name, value]) => `${name}=${value}`);
}

class TestReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

/** What an application has for metrics, in memory. */
export interface TestMetrics {
  readonly meterProvider: MeterProvider;
  collect(): Promise<Collection>;
}

/** One metric of a collection. */
export interface Collected {
  readonly name: string;
  readonly unit: string;
  readonly description: string;
  readonly isMonotonic: boolean | undefined;
  readonly dataPointType: number;
  readonly points: readonly {
    readonly attributes: Record<string, unknown>;
    readonly value: unknown;
    readonly startTime: HrTime;
  }[];
}

/** By name. */
export type Collection = ReadonlyMap<string, Collected>;

export function testMetrics(options: MetricReaderOptions = {}): TestMetrics {
  const reader = new TestReader(options);
  const meterProvider = new MeterProvider({ readers: [reader] });
  return {
    meterProvider,
    async collect() {
      const { resourceMetrics, errors } = await reader.collect();
      if (errors.length > 0) throw errors[0];
      const all = resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics);
      return new Map(
        all.map((metric) => [
          metric.descriptor.name,
          {
            ...metric.descriptor,
            dataPointType: metric.dataPointType,
            isMonotonic: "isMonotonic" in metric ? metric.isMonotonic : undefined,
            points: metric.dataPoints as DataPoint<unknown>[],
          },
        ]),
      );
    },
  };
}

/** The value of the only point whose attributes include these; histograms are their count. */
export function valueIn(collection: Collection, name: string, attributes: Record<string, unknown> = {}): number {
  const points = collection
    .get(name)
    ?.points.filter((point) => Object.entries(attributes).every(([key, value]) => point.attributes[key] === value));
  if (points?.length !== 1)
    throw new Error(`${name} has ${points?.length ?? "no"} points for ${JSON.stringify(attributes)}`);
  const { value } = points[0] as { value: number | { count: number } };
  return typeof value === "number" ? value : value.count;
}
