import assert from "node:assert/strict";
import { test } from "node:test";
import { Code } from "@connectrpc/connect";
import { context, ROOT_CONTEXT, SpanKind, trace } from "@opentelemetry/api";
import { AlwaysOffSampler } from "@opentelemetry/sdk-trace";
import type { Instrumentation } from "../../../src/index.ts";
import { type OpenTelemetryOptions, openTelemetry } from "../../../src/otel/index.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { until } from "../../support/load.ts";
import {
  answer,
  type Bench,
  errorOf,
  failTrailersOnly,
  inTurn,
  refuse,
  type Script,
  startFleet,
  withBench,
} from "../calls/scripted-server.ts";
import { storyOf, type TestTracing, testTracing } from "./sdk.ts";

checkForLeaks();

const unary = "glink.demo.v1.EchoService/Unary";
const attempt = "Attempt.glink.demo.v1.EchoService.Unary";
const unavailable = failTrailersOnly(Code.Unavailable, { "grpc-message": "not now" });

/** Calls to two backends, of which the first one called answers first, and the spans of them. */
function traced(
  script: Script,
  work: (bench: Bench, tracing: TestTracing) => Promise<void>,
  options: OpenTelemetryOptions = {},
  tracing: TestTracing = testTracing(),
): Promise<void> {
  const { tracerProvider, propagator } = tracing;
  const instrumentation: Instrumentation = openTelemetry({
    tracerProvider,
    propagator,
    meterProvider: false,
    ...options,
  });
  return withBench({ script, options: { instrumentation } }, (bench) => work(bench, tracing));
}

/** Makes the call whose first attempt fails, with the time that its retry waits for. */
async function callWithRetry({ client, clock, fleet }: Bench): Promise<void> {
  const answered = client.unary({ text: "hello" });
  await until("the first attempt has arrived", () => fleet.calls.length === 1);
  for (let i = 0; i < 200 && fleet.calls.length < 2; i++) await clock.advance(100);
  await answered;
}

test("a call is one CLIENT span with the names of OpenTelemetry's conventions", () =>
  traced(answer("ok"), async ({ client, fleet }, { spans }) => {
    await client.unary({ text: "hello" });
    const [span, ...others] = spans();
    assert.ok(span);
    assert.deepEqual(others, []);
    assert.deepEqual([span.name, span.kind, span.parentSpanContext], [unary, SpanKind.CLIENT, undefined]);
    assert.equal(span.instrumentationScope.name, "glink");
    assert.equal(span.instrumentationScope.schemaUrl, "https://opentelemetry.io/schemas/1.45.0");
    const [host, port] = (fleet.calls[0]?.backend ?? "").split(":");
    assert.deepEqual(span.attributes, {
      "rpc.system.name": "grpc",
      "rpc.method": unary,
      "server.address": "echo.test",
      "server.port": 50051,
      "rpc.status_code": "OK",
      "network.peer.address": host,
      "network.peer.port": Number(port),
    });
    assert.deepEqual(storyOf(span), ["UNSET", "rpc.status_code=OK"]);
  }));

test("what a sampler sees is what is known as the call begins", () => {
  const seen: unknown[] = [];
  const sampler = {
    shouldSample: (...[, , name, kind, attributes]: unknown[]) => {
      seen.push(name, kind, attributes);
      return { decision: 0 };
    },
    toString: () => "noting",
  };
  return traced(
    answer("ok"),
    async ({ client }) => {
      await client.unary({});
      assert.deepEqual(seen, [
        unary,
        SpanKind.CLIENT,
        { "rpc.system.name": "grpc", "rpc.method": unary, "server.address": "echo.test", "server.port": 50051 },
      ]);
    },
    {},
    testTracing(sampler),
  );
});

test("a call belongs to the trace of its caller's context, and the caller's context is left as it was", () =>
  traced(answer("ok"), async ({ client }, { tracerProvider, named }) => {
    const parent = tracerProvider.getTracer("app").startSpan("request");
    await context.with(trace.setSpan(ROOT_CONTEXT, parent), async () => {
      const call = client.unary({});
      assert.equal(trace.getActiveSpan(), parent);
      await call;
      assert.equal(trace.getActiveSpan(), parent);
    });
    parent.end();
    const [span] = named(unary);
    assert.equal(span?.parentSpanContext?.spanId, parent.spanContext().spanId);
    assert.equal(span?.spanContext().traceId, parent.spanContext().traceId);
  }));

test("the first attempt is the call's span, and says in an event how it failed; the second is its child", () =>
  traced(inTurn(unavailable, answer("ok")), async (bench, { named, spans }) => {
    await callWithRetry(bench);
    const [call] = named(unary);
    const [second] = named(attempt);
    assert.equal(spans().length, 2);
    assert.ok(call !== undefined && second !== undefined);
    assert.deepEqual(storyOf(call), [
      "UNSET",
      "glink.attempts=2",
      "rpc.status_code=OK",
      "glink.attempt.failed glink.attempt=1 rpc.status_code=UNAVAILABLE error.type=UNAVAILABLE " +
        "glink.failure.kind=status glink.progress=unknown glink.retry.delay=0.1",
    ]);
    assert.deepEqual(storyOf(second), [
      "UNSET",
      "previous-rpc-attempts=1",
      "transparent-retry=false",
      "rpc.status_code=OK",
    ]);
    assert.equal(second.kind, SpanKind.INTERNAL);
    assert.equal(second.parentSpanContext?.spanId, call.spanContext().spanId);
  }));

test("a request that never ran is repeated in a span that says so, and counts as no attempt before", () =>
  traced(inTurn(refuse, answer("ok")), async ({ client }, { named }) => {
    await client.unary({});
    const [again] = named(attempt);
    assert.deepEqual(again && storyOf(again).slice(1, 3), ["previous-rpc-attempts=0", "transparent-retry=true"]);
  }));

test("attemptSpans: always, as gRFC A72 has it: every attempt has a span, and fails in it", () =>
  traced(
    inTurn(unavailable, answer("ok")),
    async (bench, { named }) => {
      await callWithRetry(bench);
      const [call] = named("Sent.glink.demo.v1.EchoService.Unary");
      const attempts = named(attempt);
      assert.deepEqual(call && storyOf(call), ["UNSET", "glink.attempts=2", "rpc.status_code=OK"]);
      assert.deepEqual(
        attempts.map((span) => [span.parentSpanContext?.spanId, span.attributes["previous-rpc-attempts"]]),
        [
          [call?.spanContext().spanId, 0],
          [call?.spanContext().spanId, 1],
        ],
      );
      assert.deepEqual(attempts[0] && storyOf(attempts[0]), [
        "ERROR UNAVAILABLE",
        "previous-rpc-attempts=0",
        "transparent-retry=false",
        "glink.retry.delay=0.1",
        "rpc.status_code=UNAVAILABLE",
        "error.type=UNAVAILABLE",
        "glink.failure.kind=status",
        "glink.progress=unknown",
      ]);
    },
    { attemptSpans: "always", conventions: "grpc" },
  ));

test("attemptSpans: false makes one span of a call, however often it is repeated", () =>
  traced(
    inTurn(unavailable, answer("ok")),
    async (bench, { spans }) => {
      await callWithRetry(bench);
      assert.deepEqual(
        spans().map(({ name, events }) => [name, events.map(({ name }) => name)]),
        [[unary, ["glink.attempt.failed"]]],
      );
    },
    { attemptSpans: false },
  ));

test("every code but OK is an error of the client's, and the caller's deadline and abort are, too", () =>
  traced(
    inTurn(failTrailersOnly(Code.NotFound), () => undefined),
    async ({ client, fleet, clock }, { spans }) => {
      await errorOf(client.unary({}));
      const late = errorOf(client.unary({}, { timeoutMs: 50 }));
      await until("the request has arrived", () => fleet.calls.length === 2);
      await clock.advance(50);
      await late;
      const controller = new AbortController();
      const aborted = errorOf(client.unary({}, { signal: controller.signal }));
      await until("the request has arrived", () => fleet.calls.length === 3);
      controller.abort();
      await aborted;
      assert.deepEqual(
        spans().map((span) => storyOf(span).slice(0, 3)),
        [
          ["ERROR NOT_FOUND", "rpc.status_code=NOT_FOUND", "error.type=NOT_FOUND"],
          ["ERROR DEADLINE_EXCEEDED", "rpc.status_code=DEADLINE_EXCEEDED", "error.type=DEADLINE_EXCEEDED"],
          ["ERROR CANCELLED", "rpc.status_code=CANCELLED", "error.type=CANCELLED"],
        ],
      );
    },
  ));

test("what an attempt waited for is an event", async () => {
  const fleet = await startFleet(1, answer("ok"));
  const tracing = testTracing();
  const { glinkTransport } = await import("../../support/transport.ts");
  const { createClient } = await import("@connectrpc/connect");
  const { EchoService } = await import("../../../proto/gen/glink/demo/v1/echo_pb.js");
  const transport = glinkTransport({
    baseUrl: `http://${fleet.addresses[0]}`,
    instrumentation: openTelemetry({ tracerProvider: tracing.tracerProvider, meterProvider: false }),
  });
  await createClient(EchoService, transport).unary({});
  await transport.close();
  await fleet.close();
  const events = tracing.spans().flatMap((span) => span.events);
  assert.deepEqual(
    events.map(({ name, attributes }) => [name, attributes?.["glink.wait.reason"]]),
    [
      ["glink.waited", "resolve"],
      ["glink.waited", "connect"],
    ],
  );
  assert.ok(events.every(({ attributes }) => typeof attributes?.["glink.wait.duration"] === "number"));
});

test("a call that nobody samples is no span, and has no attempt spans", () =>
  traced(
    inTurn(unavailable, answer("ok")),
    async (bench, { spans }) => {
      await callWithRetry(bench);
      assert.deepEqual(spans(), []);
    },
    { attemptSpans: "always", requestMetadata: ["x-tenant"] },
    testTracing(new AlwaysOffSampler()),
  ));

test("a filter is asked for each call, and what it leaves out is not traced and gets no header", () =>
  traced(
    answer("ok"),
    async ({ client, fleet }, { spans }) => {
      await client.unary({});
      await client.unaryIdempotent({});
      assert.deepEqual(
        spans().map(({ name }) => name),
        [unary],
      );
      assert.deepEqual(
        fleet.calls.map(({ headers }) => "traceparent" in headers),
        [true, false],
      );
    },
    { filter: ({ method }) => method.idempotency === "unknown" },
  ));

test("an SDK that is registered after the first calls gets the spans of those that follow", () =>
  withBench({ script: answer("ok"), options: { instrumentation: openTelemetry() } }, async ({ client, fleet }) => {
    await client.unary({});
    const { tracerProvider, spans } = testTracing();
    trace.setGlobalTracerProvider(tracerProvider);
    try {
      await client.unary({});
      assert.deepEqual(
        spans().map(({ name }) => name),
        [unary],
      );
      assert.equal(fleet.calls.length, 2);
    } finally {
      trace.disable();
    }
  }));
