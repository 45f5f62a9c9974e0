import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient } from "@connectrpc/connect";
import type { MeterProvider } from "@opentelemetry/api";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { type Instrumentation, staticResolver } from "../../../src/index.ts";
import { openTelemetry } from "../../../src/otel/index.ts";
import { chosenMetrics, type OptionalLabel } from "../../../src/otel/metrics/choice.ts";
import { Metering } from "../../../src/otel/metrics/metering.ts";
import { SdkMetrics } from "../../../src/otel/metrics/sdk-metrics.ts";
import { collectGarbage } from "../../support/heap.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { glinkTransport } from "../../support/transport.ts";
import { answer, startFleet } from "../calls/scripted-server.ts";
import { testMetrics, valueIn } from "./sdk.ts";

checkForLeaks();

const ofTarget = { "grpc.target": "dns:///echo.test:50051" };

function metricsOf(meterProvider: MeterProvider): Instrumentation {
  return openTelemetry({ meterProvider, tracerProvider: false });
}

/** Makes a transport, a call through it, and closes it. */
async function useOnce(addresses: readonly string[], instrumentation: Instrumentation): Promise<void> {
  const resolver = staticResolver(addresses);
  const transport = glinkTransport({ baseUrl: "http://echo.test:50051", resolver, instrumentation });
  await createClient(EchoService, transport).unary({});
  await transport.close();
}

test("counters go on over all who counted for a provider, whether they are used again or not", async () => {
  const { meterProvider, collect } = testMetrics();
  const fleet = await startFleet(1, answer("ok"));
  const again = metricsOf(meterProvider);
  const started: number[] = [];
  const dials: number[] = [];
  for (const instrumentation of [again, metricsOf(meterProvider), again, again, metricsOf(meterProvider)]) {
    await useOnce(fleet.addresses, instrumentation);
    const collection = await collect();
    started.push(valueIn(collection, "grpc.client.attempt.started", ofTarget));
    dials.push(valueIn(collection, "grpc.subchannel.connection_attempts_succeeded", ofTarget));
    assert.equal(valueIn(collection, "rpc.client.call.duration"), started.length);
  }
  assert.deepEqual(
    [started, dials],
    [
      [1, 2, 3, 4, 5],
      [1, 2, 3, 4, 5],
    ],
  );
  await fleet.close();
});

test("whoever counted is let go by the meter provider with its last transport", async () => {
  const { meterProvider, collect } = testMetrics();
  const fleet = await startFleet(1, answer("ok"));
  const on = chosenMetrics(["semconv"], {}, { allHistograms: false, backendLabel: false });
  const choice = { on, labels: new Set<OptionalLabel>(), backendLabel: false };
  const all: WeakRef<Metering>[] = [];
  for (let i = 0; i < 5; i++) {
    const metering = new Metering(choice, (readable) => new SdkMetrics(meterProvider, readable));
    all.push(new WeakRef(metering));
    await useOnce(fleet.addresses, metering);
  }
  const open = new Metering(choice, (readable) => new SdkMetrics(meterProvider, readable));
  const resolver = staticResolver(fleet.addresses);
  const transport = glinkTransport({ baseUrl: "http://echo.test:50051", resolver, instrumentation: open });
  await createClient(EchoService, transport).unary({});
  await collectGarbage();
  // The last one that was closed may still be on its way.
  const held = all.slice(0, -1).filter((ref) => ref.deref() !== undefined);
  assert.equal(held.length, 0);
  assert.equal(valueIn(await collect(), "grpc.client.attempt.started", ofTarget), 6);
  await transport.close();
  await fleet.close();
});
