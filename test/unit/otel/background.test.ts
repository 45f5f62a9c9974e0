import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient } from "@connectrpc/connect";
import { context, ROOT_CONTEXT, trace } from "@opentelemetry/api";
import { isTracingSuppressed } from "@opentelemetry/core";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { parseAddress } from "../../../src/endpoint/address.ts";
import type { Resolver } from "../../../src/index.ts";
import { openTelemetry } from "../../../src/otel/index.ts";
import { startConnectEcho } from "../../support/echo-server.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { glinkTransport } from "../../support/transport.ts";
import { testTracing } from "./sdk.ts";

checkForLeaks();

test("lookups and dials are in no request's trace and not traced, though a request made the transport and the call", async () => {
  const backend = await startConnectEcho();
  const { tracerProvider, propagator, spans } = testTracing();
  const seen: Record<string, [unknown, boolean][]> = { watch: [], timer: [], event: [] };
  const note = (where: string) => seen[where]?.push([trace.getActiveSpan(), isTracingSuppressed(context.active())]);
  const resolver: Resolver = {
    name: "noting",
    watch(_target, listener) {
      note("watch");
      setTimeout(() => {
        note("timer");
        listener.onAddresses([parseAddress(backend.address)]);
      }, 1);
      return { refresh: () => undefined, close: () => undefined };
    },
  };
  const request = tracerProvider.getTracer("app").startSpan("request");
  const transport = await context.with(trace.setSpan(ROOT_CONTEXT, request), async () => {
    const instrumentation = openTelemetry({ tracerProvider, propagator, meterProvider: false });
    const transport = glinkTransport({ baseUrl: "http://echo.test", resolver, instrumentation });
    transport.subscribe(({ type }) => type === "subchannel-state" && note("event"));
    await createClient(EchoService, transport).unary({});
    assert.deepEqual([trace.getActiveSpan(), isTracingSuppressed(context.active())], [request, false]);
    return transport;
  });
  for (const [where, contexts] of Object.entries(seen)) {
    assert.ok(contexts.length > 0, where);
    for (const one of contexts) assert.deepEqual(one, [undefined, true], where);
  }
  assert.deepEqual(
    spans().map((span) => span.parentSpanContext?.spanId),
    [request.spanContext().spanId],
  );
  await transport.close();
  await backend.close();
});
