import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { test } from "node:test";
import { Code, createContextValues } from "@connectrpc/connect";
import { context, ROOT_CONTEXT, trace } from "@opentelemetry/api";
import { ExportResultCode } from "@opentelemetry/core";
import { MeterProvider, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";
import {
  type ReadableSpan,
  SimpleSpanProcessor,
  type SpanExporter,
  type SpanProcessor,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import { type GlinkCallOptions, type GlinkEvent, glinkCall } from "../../../src/index.ts";
import { openTelemetry } from "../../../src/otel/index.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { until } from "../../support/load.ts";
import { answer, type Bench, failTrailersOnly, inTurn, staySilent, withBench } from "../calls/scripted-server.ts";
import { testMetrics, testTracing, valueIn } from "./sdk.ts";

/*
 * What else an application has beside a call: contexts of its own, and an SDK that fails.
 */

checkForLeaks();

const unavailable = failTrailersOnly(Code.Unavailable);

/** Makes a call in a request's context and span; returns what its attempts saw of both when they had ended. */
async function attemptsIn({ client, clock, fleet }: Bench, attempts: number, options: GlinkCallOptions) {
  const storage = new AsyncLocalStorage<string>();
  const request = trace.wrapSpanContext({
    traceId: "0af7651916cd43dd8448eb211c80319c",
    spanId: "b7ad6b7169203331",
    traceFlags: 1,
  });
  const seen: unknown[] = [];
  const note = () => seen.push([storage.getStore(), trace.getActiveSpan() === request]);
  const contextValues = createContextValues().set(glinkCall, { ...options, onAttempt: note });
  await context.with(trace.setSpan(ROOT_CONTEXT, request), () =>
    storage.run("request 1", async () => {
      const answered = client.unaryIdempotent({ text: "x" }, { contextValues });
      for (let count = 1; count < attempts; count++) {
        await until(`attempt ${count} has arrived`, () => fleet.calls.length >= count);
        while (fleet.calls.length === count) await clock.advance(10);
      }
      await answered;
      note();
    }),
  );
  return seen;
}

for (const [name, script, options] of [
  ["retries", inTurn(unavailable, unavailable, answer("ok")), {}],
  ["hedges", inTurn(staySilent, staySilent, answer("ok")), { hedging: { delayMs: 50 } }],
] as const) {
  test(`an application's AsyncLocalStorage and its active span are those of the call through ${name}`, async () => {
    const { tracerProvider, propagator, spans } = testTracing();
    const instrumentation = openTelemetry({ tracerProvider, propagator, meterProvider: false });
    await withBench({ backends: 3, script, options: { instrumentation } }, async (bench) => {
      const seen = await attemptsIn(bench, 3, options);
      const own = ["request 1", true];
      assert.deepEqual(seen, [own, own, own, own]);
    });
    const call = spans().find(({ name }) => name === "glink.demo.v1.EchoService/UnaryIdempotent");
    assert.equal(call?.parentSpanContext?.spanId, "b7ad6b7169203331");
    const attempts = spans().filter(({ name }) => name.startsWith("Attempt."));
    // Hedges are siblings, as retries are.
    assert.deepEqual(
      attempts.map(({ parentSpanContext }) => parentSpanContext?.spanId),
      [call?.spanContext().spanId, call?.spanContext().spanId],
    );
  });
}

/** Two good calls with the SDK; returns what was told of code that threw. */
async function callsWith(providers: Parameters<typeof openTelemetry>[0]): Promise<string[]> {
  const told: string[] = [];
  const instrumentation = openTelemetry({ propagator: false, ...providers });
  await withBench({ script: answer("ok"), options: { instrumentation } }, async ({ client, transport }) => {
    transport.subscribe((event: GlinkEvent) => {
      if (event.type === "user-code-failed") told.push(`${event.where}: ${event.error.stack}`);
    });
    await client.unary({});
    await client.unary({});
  });
  return told;
}

test("a span processor that throws fails no call, is told each time, and keeps no call from being counted", async () => {
  const broken: SpanProcessor = {
    onStart: () => undefined,
    onEnd() {
      throw new Error("no disk");
    },
    forceFlush: async () => undefined,
    shutdown: async () => undefined,
  };
  const { meterProvider, collect } = testMetrics();
  const tracerProvider = new TracerProvider({ spanProcessors: [broken] });
  const told = await callsWith({ tracerProvider, meterProvider });
  assert.equal(told.length, 2);
  assert.match(told[0] ?? "", /^instrumentation: Error: no disk/);
  assert.equal(valueIn(await collect(), "rpc.client.call.duration"), 2);
});

test("exporters that throw or report failure fail no call", async () => {
  const exported: ReadableSpan[][] = [];
  const exporter: SpanExporter = {
    export(spans, done) {
      exported.push(spans);
      if (exported.length === 1) throw new Error("no route to the collector");
      done({ code: ExportResultCode.FAILED, error: new Error("refused") });
    },
    shutdown: async () => undefined,
  };
  let collections = 0;
  const reader = new PeriodicExportingMetricReader({
    exportIntervalMillis: 2_000_000,
    exportTimeoutMillis: 1_000_000,
    exporter: {
      export(_, done) {
        collections++;
        done({ code: ExportResultCode.FAILED });
      },
      forceFlush: async () => undefined,
      shutdown: async () => undefined,
    },
  });
  const meterProvider = new MeterProvider({ readers: [reader] });
  const tracerProvider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  assert.deepEqual(await callsWith({ tracerProvider, meterProvider }), []);
  await reader.forceFlush().catch(() => undefined);
  assert.deepEqual([exported.length, collections], [2, 1]);
  await meterProvider.shutdown().catch(() => undefined);
});

test("an SDK that was shut down is no hindrance", async () => {
  const { tracerProvider, spans } = testTracing();
  const { meterProvider } = testMetrics();
  await tracerProvider.shutdown();
  await meterProvider.shutdown();
  assert.deepEqual(await callsWith({ tracerProvider, meterProvider }), []);
  assert.deepEqual(spans(), []);
});
