import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { test } from "node:test";
import { Code } from "@connectrpc/connect";
import {
  context,
  DiagLogLevel,
  defaultTextMapGetter,
  defaultTextMapSetter,
  diag,
  propagation,
  ROOT_CONTEXT,
  type TextMapPropagator,
  trace,
} from "@opentelemetry/api";
import { suppressTracing } from "@opentelemetry/core";
import { AlwaysOffSampler } from "@opentelemetry/sdk-trace";
import { grpcTraceBin, type OpenTelemetryOptions, openTelemetry } from "../../../src/otel/index.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { until } from "../../support/load.ts";
import { answer, type Bench, failTrailersOnly, inTurn, type Script, withBench } from "../calls/scripted-server.ts";
import { type TestTracing, testTracing } from "./sdk.ts";

checkForLeaks();

const span = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331", traceFlags: 1 };
const parentContext = trace.setSpanContext(ROOT_CONTEXT, { ...span, isRemote: true });

function propagated(
  script: Script,
  work: (bench: Bench, tracing: TestTracing) => Promise<void>,
  options: OpenTelemetryOptions = {},
  tracing: TestTracing = testTracing(),
): Promise<void> {
  const { tracerProvider, propagator } = tracing;
  const instrumentation = openTelemetry({ tracerProvider, propagator, meterProvider: false, ...options });
  return withBench({ script, options: { instrumentation } }, (bench) => work(bench, tracing));
}

test("each attempt carries the context of its own span, in place of what the caller wrote", () =>
  propagated(inTurn(failTrailersOnly(Code.Unavailable), answer("ok")), async ({ client, clock, fleet }, { spans }) => {
    const headers = { traceparent: `00-${"1".repeat(32)}-${"2".repeat(16)}-01`, "x-own": "1" };
    const answered = client.unary({}, { headers });
    await until("the first attempt has arrived", () => fleet.calls.length === 1);
    for (let i = 0; i < 200 && fleet.calls.length < 2; i++) await clock.advance(100);
    await answered;
    const [second, call] = spans().map((one) => one.spanContext());
    assert.deepEqual(
      fleet.calls.map(({ headers }) => [headers.traceparent, headers["x-own"]]),
      [
        [`00-${call?.traceId}-${call?.spanId}-01`, "1"],
        [`00-${call?.traceId}-${second?.spanId}-01`, "1"],
      ],
    );
  }));

test("baggage goes along, and the decision not to sample does", () =>
  propagated(
    answer("ok"),
    async ({ client, fleet }) => {
      const baggage = propagation.createBaggage({ tenant: { value: "blue green" } });
      await context.with(propagation.setBaggage(parentContext, baggage), () => client.unary({}));
      const { traceparent, baggage: sent } = fleet.calls[0]?.headers ?? {};
      assert.match(String(traceparent), new RegExp(`^00-${span.traceId}-[0-9a-f]{16}-00$`));
      assert.equal(sent, "tenant=blue%20green");
    },
    {},
    testTracing(new AlwaysOffSampler()),
  ));

test("without spans of one's own, the caller's context goes on as it is", () =>
  propagated(
    answer("ok"),
    async ({ client, fleet }) => {
      await context.with(parentContext, () => client.unary({}));
      assert.equal(fleet.calls[0]?.headers.traceparent, `00-${span.traceId}-${span.spanId}-01`);
    },
    { tracerProvider: false },
  ));

test("propagator: false writes nothing, and neither does a context whose tracing is suppressed", async () => {
  await propagated(
    answer("ok"),
    async ({ client, fleet }) => {
      await client.unary({});
      assert.equal("traceparent" in (fleet.calls[0]?.headers ?? {}), false);
    },
    { propagator: false },
  );
  await propagated(answer("ok"), async ({ client, fleet }, { spans }) => {
    await context.with(suppressTracing(parentContext), () => client.unary({}));
    assert.equal("traceparent" in (fleet.calls[0]?.headers ?? {}), false);
    assert.deepEqual(spans(), []);
  });
});

test("an application's own AsyncLocalStorage is the same in and after a traced call", () =>
  propagated(answer("ok"), async ({ client }) => {
    const storage = new AsyncLocalStorage<string>();
    await storage.run("request 1", async () => {
      async function* requests() {
        assert.equal(storage.getStore(), "request 1");
        yield { text: "x" };
      }
      await client.clientStream(requests());
      assert.equal(storage.getStore(), "request 1");
    });
  }));

test("a propagator that throws is told to OpenTelemetry's diagnostics, and the call and its span go on", async () => {
  const broken: TextMapPropagator = {
    inject: (_context, carrier, setter) => setter.set(carrier, "x-bad", "line\nbreak"),
    extract: (given) => given,
    fields: () => ["x-bad"],
  };
  const told: string[] = [];
  const note = (message: string) => told.push(message);
  diag.setLogger({ error: note, warn: note, info() {}, debug() {}, verbose() {} }, DiagLogLevel.ERROR);
  try {
    await propagated(
      answer("ok"),
      async ({ client }, { spans }) => {
        await client.unary({});
        assert.equal(spans().length, 1);
        assert.deepEqual(told, ["glink: the context of an attempt could not be propagated"]);
      },
      { propagator: broken },
    );
  } finally {
    diag.disable();
  }
});

test("grpcTraceBin writes the 29 bytes of OpenCensus, as binary metadata", () =>
  propagated(
    answer("ok"),
    async ({ client, fleet }, { spans }) => {
      await client.unary({});
      const { traceId, spanId } = spans()[0]?.spanContext() ?? assert.fail("no span");
      const value = String(fleet.calls[0]?.headers["grpc-trace-bin"]);
      assert.equal(value.includes("="), false);
      assert.equal(Buffer.from(value, "base64").toString("hex"), `0000${traceId}01${spanId}0201`);
    },
    { propagator: grpcTraceBin() },
  ));

test("grpcTraceBin reads what it writes, and nothing else", () => {
  const carrier: Record<string, string> = {};
  const propagator = grpcTraceBin();
  propagator.inject(parentContext, carrier, defaultTextMapSetter);
  assert.deepEqual(propagator.fields(), ["grpc-trace-bin"]);
  const read = (value: string) =>
    trace.getSpanContext(propagator.extract(ROOT_CONTEXT, { "grpc-trace-bin": value }, defaultTextMapGetter));
  const written = String(carrier["grpc-trace-bin"]);
  assert.deepEqual(read(written), { ...span, isRemote: true });
  const bytes = Buffer.from(written, "base64");
  const changed = (at: number, value: number) => Buffer.from(bytes.with(at, value)).toString("base64");
  const bad = [
    "",
    "*",
    bytes.subarray(0, 28).toString("base64"),
    changed(0, 1),
    changed(1, 3),
    changed(18, 0),
    changed(27, 1),
  ];
  const zero = Buffer.concat([Buffer.alloc(18), Buffer.from(`01${span.spanId}0201`, "hex")]).toString("base64");
  for (const value of [...bad, zero]) assert.equal(read(value), undefined, value);
  const empty: Record<string, string> = {};
  propagator.inject(ROOT_CONTEXT, empty, defaultTextMapSetter);
  propagator.inject(suppressTracing(parentContext), empty, defaultTextMapSetter);
  assert.deepEqual(empty, {});
});
