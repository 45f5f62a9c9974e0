import { context, ROOT_CONTEXT, SpanKind, trace } from "@opentelemetry/api";
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
import type { Instrumentation } from "../src/index.ts";
import { metricProducer, openTelemetry } from "../src/otel/index.ts";
import { prometheusHistograms } from "../src/prometheus/index.ts";

/** What `bench:otel` measures, by name: makes the instrumentation, and registers what it needs. */
export const instrumentations: Readonly<Record<string, () => Instrumentation>> = {
  "one that follows nothing": () => ({ callStarted: () => undefined }),
  "one that only listens": () => {
    const attempt = { ended: () => undefined };
    const call = { attemptStarted: () => attempt, ended: () => undefined };
    return { callStarted: () => call };
  },
  "no SDK": () => openTelemetry(),
  metrics: () => openTelemetry({ tracerProvider: false, propagator: false, meterProvider: meterProvider() }),
  "metric producer, all metrics": () => metricProducer(),
  prometheusHistograms: () => prometheusHistograms(),
  "unsampled span": () => spans(new AlwaysOffSampler()),
  "sampled span": () => spans(new AlwaysOnSampler()),
};

/** What somebody does with the SDK by hand as a call begins; the function that it returns, as the call ends. */
export type ByHand = () => () => void;

/** The SDK's own part of what is measured: the same values, with the attributes that glink gives them, and no more. */
export const sdkByHand: Readonly<Record<string, () => ByHand>> = {
  metrics: () => {
    const histogram = meterProvider().getMeter("alone").createHistogram("alone", { unit: "s" });
    const end = () => histogram.record(0.001, { ...callAttributes, "rpc.status_code": "OK" }, ROOT_CONTEXT);
    return () => end;
  },
  "unsampled span": () => spanByHand(new AlwaysOffSampler()),
  "sampled span": () => spanByHand(new AlwaysOnSampler()),
};

const callAttributes = {
  "rpc.system.name": "grpc",
  "rpc.method": "glink.demo.v1.EchoService/Unary",
  "server.address": "localhost",
  "server.port": 1,
};

class Reader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

function meterProvider(): MeterProvider {
  return new MeterProvider({ readers: [new Reader()] });
}

function tracerProvider(sampler: Sampler): TracerProvider {
  const exporter = {
    export: (_spans: unknown, done: (result: { code: number }) => void) => done({ code: 0 }),
    shutdown: async () => undefined,
  };
  const spanProcessors = [new BatchSpanProcessor({ exporter, maxQueueSize: 100_000 } as never)];
  return new TracerProvider({ sampler, spanProcessors });
}

function spans(sampler: Sampler): Instrumentation {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const provider = tracerProvider(sampler);
  return openTelemetry({
    tracerProvider: provider,
    propagator: new W3CTraceContextPropagator(),
    meterProvider: false,
  });
}

/** A span of a call that succeeds, in its caller's context, and the context that would go to the server, written into nothing. */
function spanByHand(sampler: Sampler): ByHand {
  const tracer = tracerProvider(sampler).getTracer("alone");
  const propagator = new W3CTraceContextPropagator();
  return () => {
    const options = { kind: SpanKind.CLIENT, attributes: callAttributes };
    const parent = context.active();
    const span = tracer.startSpan("glink.demo.v1.EchoService/Unary", options, parent);
    propagator.inject(trace.setSpan(parent, span), [], fieldSetter);
    return () => {
      if (span.isRecording()) {
        span.setAttribute("rpc.status_code", "OK");
        span.setAttribute("network.peer.address", "127.0.0.1");
        span.setAttribute("network.peer.port", 1);
      }
      span.end();
    };
  };
}

const fieldSetter = { set: (fields: string[], name: string, value: string) => void fields.push(name, value) };
