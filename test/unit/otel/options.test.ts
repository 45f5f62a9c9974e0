import assert from "node:assert/strict";
import { test } from "node:test";
import { glinkTransport } from "../../../src/index.ts";
import {
  type MetricOptions,
  metricProducer,
  type OpenTelemetryOptions,
  openTelemetry,
} from "../../../src/otel/index.ts";

/** What a JavaScript user may give, and what is said of it. */
const mistakes: readonly (readonly [unknown, RegExp])[] = [
  [null, /^options must be an object, not null$/],
  [{ tracer: 1 }, /^options has no field "tracer": it knows conventions, metrics, /],
  [{ tracerProvider: {} }, /^tracerProvider must be false or have a method getTracer/],
  [{ meterProvider: true }, /^meterProvider must be false or have a method getMeter, .*; it is true$/],
  [{ propagator: null }, /^propagator must be false or have a method inject/],
  [{ tracerProvider: false, meterProvider: false, propagator: false }, /are all false: there is nothing to do$/],
  [{ conventions: "http" }, /^conventions must be one of "semconv", "grpc", not "http"$/],
  [{ conventions: [] }, /^conventions is empty/],
  [{ conventions: 7 }, /^conventions must be a list, not 7$/],
  [{ attemptSpans: true }, /^attemptSpans must be one of "retries", "always", false, not true$/],
  [{ requestMetadata: "x-tenant" }, /^requestMetadata must be a list, not "x-tenant"$/],
  [{ requestMetadata: ["x tenant"] }, /^requestMetadata must be names of headers, and "x tenant" is none$/],
  [{ requestMetadata: [7] }, /^requestMetadata must be names of headers, and 7 is none$/],
  [{ statusMessages: "yes" }, /^statusMessages must be true or false, not "yes"$/],
  [{ metrics: ["rpc.client.call.duration"] }, /^metrics must be an object, not an array$/],
  [{ metrics: { "rpc.client.duration": true } }, /^metrics has no field "rpc.client.duration": it knows rpc\.client/],
  [{ metrics: { "glink.pings": 1 } }, /^metrics\["glink.pings"\] must be true or false, not 1$/],
  [{ optionalLabels: ["grpc.lb.locality"] }, /^optionalLabels must be one of "grpc.disconnect_error", /],
  [{ backendLabel: 1 }, /^backendLabel must be true or false, not 1$/],
  [{ filter: "unary" }, /^filter must be a function, not "unary"$/],
];

for (const [options, message] of mistakes) {
  test(`openTelemetry(${JSON.stringify(options)}) says what is wrong`, () => {
    assert.throws(() => openTelemetry(options as OpenTelemetryOptions), { name: "TypeError", message });
  });
}

test("a metric producer takes the options of metrics, and no others", () => {
  assert.throws(() => metricProducer({ tracerProvider: false } as MetricOptions), /no field "tracerProvider"/);
  assert.throws(() => metricProducer({ backendLabel: 0 } as never), /^TypeError: backendLabel must be/);
  assert.deepEqual(Object.keys(metricProducer()).sort(), ["attach", "callStarted", "collect"]);
});

test("undefined is the default, of each option", () => {
  const names = ["tracerProvider", "meterProvider", "propagator", "conventions", "attemptSpans", "requestMetadata"];
  const more = ["statusMessages", "metrics", "optionalLabels", "backendLabel", "filter"];
  openTelemetry(Object.fromEntries([...names, ...more].map((name) => [name, undefined])));
  openTelemetry({ metrics: { "glink.pings": undefined as unknown as boolean } });
});

test("without any SDK, calls have no span, no metric and no failure", async () => {
  const transport = glinkTransport({ baseUrl: "http://127.0.0.1:1", instrumentation: openTelemetry() });
  await transport.close();
});
