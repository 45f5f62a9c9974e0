import assert from "node:assert/strict";
import { test } from "node:test";
import { Code } from "@connectrpc/connect";
import { staticResolver } from "../../../src/index.ts";
import { type OpenTelemetryOptions, openTelemetry } from "../../../src/otel/index.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { answer, errorOf, failTrailersOnly, inTurn, withBench } from "../calls/scripted-server.ts";
import { testMetrics, testTracing } from "./sdk.ts";

checkForLeaks();

/** Makes calls whose every part is secret, and returns all that was published of them, as text. */
async function published(options: OpenTelemetryOptions): Promise<string> {
  const { tracerProvider, propagator, spans } = testTracing();
  const { meterProvider, collect } = testMetrics();
  const metrics = Object.fromEntries(["grpc.client.attempt.duration", "glink.pick.wait"].map((name) => [name, true]));
  const instrumentation = openTelemetry({ tracerProvider, meterProvider, propagator, metrics, ...options });
  const fail = failTrailersOnly(Code.NotFound, { "grpc-message": "secret-status", "x-trailer": "secret-trailer" });
  await withBench(
    { script: inTurn(fail, answer("secret-response")), options: { instrumentation } },
    async ({ client }) => {
      const headers = {
        authorization: "Bearer secret-token",
        cookie: "secret-cookie",
        "x-tenant": "blue",
        "x-other": "secret-header",
      };
      await errorOf(client.unary({ text: "secret-request" }, { headers }));
      await client.unary({ text: "secret-request" }, { headers });
      const reason = new Error("secret-reason");
      await errorOf(client.unary({}, { headers, signal: AbortSignal.abort(reason) }));
      await errorOf(client.unary({ behavior: { delayMs: "secret-number" as never } }));
    },
  );
  const points = [...(await collect()).values()].map(({ name, points }) => [name, points]);
  const shown = spans().map(({ name, attributes, events, status }) => ({ name, attributes, events, status }));
  return JSON.stringify([shown, points]);
}

test("no header, message, trailer, status message or reason is published", async () => {
  const text = await published({ backendLabel: true, attemptSpans: "always" });
  assert.ok(text.includes("NOT_FOUND") && text.includes("CANCELLED"));
  assert.deepEqual(text.match(/secret-\w+/g), null);
  assert.equal(text.includes("blue"), false);
});

test("requestMetadata shows those headers that it names, and no others", async () => {
  const text = await published({ requestMetadata: ["X-Tenant", "x-absent"] });
  assert.ok(text.includes('"rpc.request.metadata.x-tenant":["blue"]'), text);
  assert.equal(text.includes("x-absent"), false);
  assert.deepEqual(text.match(/secret-\w+/g), null);
});

test("statusMessages shows the server's message and the caller's reason, and nothing of what was sent", async () => {
  const text = await published({ statusMessages: true });
  assert.deepEqual([...new Set(text.match(/secret-\w+/g))].sort(), ["secret-reason", "secret-status"]);
});

test("credentials of a URL are nowhere: a base URL with them is refused, and what looks like one is not quoted", async () => {
  const { tracerProvider, spans } = testTracing();
  const instrumentation = openTelemetry({ tracerProvider, meterProvider: false });
  const { glinkTransport } = await import("../../support/transport.ts");
  const make = (baseUrl: string) => glinkTransport({ baseUrl, instrumentation });
  for (const baseUrl of [
    "http://user:secret-password@echo.test",
    "http://echo.test/?token=secret-token",
    "http://echo.test#secret-token",
    "http://echo.test:99999/?secret-token",
  ]) {
    assert.throws(
      () => make(baseUrl),
      (error: Error) => !error.message.includes("secret-"),
      baseUrl,
    );
  }
  assert.throws(
    () => staticResolver(["user:secret-password@127.0.0.1:1"]),
    (error: Error) => !error.message.includes("secret-"),
  );
  assert.deepEqual(spans(), []);
});
