import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Code, createClient, createContextValues } from "@connectrpc/connect";
import { metrics } from "@opentelemetry/api";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { glinkCall, staticResolver } from "../../../src/index.ts";
import { type MetricName, metricProducer, type OpenTelemetryOptions, openTelemetry } from "../../../src/otel/index.ts";
import { manualResolver, recordEvents } from "../../../src/testing/index.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { until } from "../../support/load.ts";
import { raisedSnapshot } from "../../support/raised-snapshot.ts";
import { glinkTransport } from "../../support/transport.ts";
import {
  answer,
  type Bench,
  errorOf,
  failTrailersOnly,
  inTurn,
  loseConnection,
  refuse,
  type Script,
  startFleet,
  withBench,
} from "../calls/scripted-server.ts";
import { type Collection, type TestMetrics, testMetrics, valueIn } from "./sdk.ts";

checkForLeaks();

const method = "glink.demo.v1.EchoService/Unary";
interface HistogramValue {
  readonly buckets: object;
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
}

const target = "dns:///echo.test:50051";

const guide = readFileSync(join(import.meta.dirname, "../../../docs/opentelemetry.md"), "utf8");

/** Rows of the tables of metrics in the guide: name, kind and unit. */
const documented = Array.from(
  guide.matchAll(
    /^\| `((?:rpc|grpc|glink)\.[a-z._]+)` \| (histogram|counter|sum|gauge) \| (\S+) \| (.*) \| (.*) \|$/gm,
  ),
  ([, name = "", kind = "", unit = "", labels = "", on = ""]) => ({ name, kind, unit, labels, on }),
);

function measured(
  script: Script,
  options: OpenTelemetryOptions,
  work: (bench: Bench, metrics: TestMetrics) => Promise<void>,
): Promise<void> {
  const sdk = testMetrics();
  const instrumentation = openTelemetry({
    tracerProvider: false,
    propagator: false,
    meterProvider: sdk.meterProvider,
    ...options,
  });
  return withBench({ script, options: { instrumentation } }, (bench) => work(bench, sdk));
}

/** Makes a call, with the time that its retry waits for. */
async function callWithRetry({ client, clock, fleet }: Bench): Promise<void> {
  const answered = client.unary({ text: "hello" });
  const before = fleet.calls.length;
  await until("the first attempt has arrived", () => fleet.calls.length > before);
  for (let i = 0; i < 200 && fleet.calls.length < before + 2; i++) await clock.advance(100);
  await answered;
}

function labelsOf(collection: Collection, name: string): string[][] {
  return (collection.get(name)?.points ?? []).map(({ attributes }) => Object.keys(attributes).sort());
}

test("by default there is one histogram, that of OpenTelemetry's conventions, beside the counters and gauges", () =>
  measured(answer("ok"), {}, async ({ client }, { collect }) => {
    await client.unary({ text: "hello" });
    const collection = await collect();
    const defaults = documented.filter(({ on }) => on === "yes" || on === "`semconv`").map(({ name }) => name);
    // What has not happened yet has no series.
    const notYet = ["glink.attempts.failed"];
    assert.deepEqual([...collection.keys()].sort(), defaults.filter((name) => !notYet.includes(name)).sort());
    const [point] = collection.get("rpc.client.call.duration")?.points ?? [];
    assert.deepEqual(point?.attributes, {
      "rpc.system.name": "grpc",
      "rpc.method": method,
      "rpc.status_code": "OK",
      "server.address": "echo.test",
      "server.port": 50051,
    });
    const { buckets, count } = (point as { value: { buckets: { boundaries: number[] }; count: number } }).value;
    assert.equal(count, 1);
    assert.deepEqual(buckets.boundaries, [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]);
  }));

test("a call that failed has its status, and the status as the type of its error", () =>
  measured(failTrailersOnly(Code.NotFound), {}, async ({ client }, { collect }) => {
    await errorOf(client.unary({}));
    const collection = await collect();
    const failed = { "rpc.status_code": "NOT_FOUND", "error.type": "NOT_FOUND" };
    assert.equal(valueIn(collection, "rpc.client.call.duration", failed), 1);
    const attempt = { "glink.failure.kind": "status", "glink.progress": "unknown" };
    assert.equal(valueIn(collection, "glink.attempts.failed", attempt), 1);
  }));

test("conventions: grpc has the names and the default set of grpc-go", () =>
  measured(
    inTurn(failTrailersOnly(Code.Unavailable), answer("second")),
    { conventions: "grpc" },
    async (bench, { collect }) => {
      await callWithRetry(bench);
      const collection = await collect();
      const histograms = documented.filter(({ kind }) => kind === "histogram");
      assert.deepEqual(
        histograms.filter(({ name }) => collection.has(name)).map(({ on }) => on),
        ["`grpc`", "`grpc`", "`grpc`", "`grpc`"],
      );
      const ofMethod = { "grpc.method": method, "grpc.target": target };
      assert.equal(valueIn(collection, "grpc.client.call.duration", { ...ofMethod, "grpc.status": "OK" }), 1);
      for (const status of ["OK", "UNAVAILABLE"]) {
        const attributes = { ...ofMethod, "grpc.status": status };
        assert.equal(valueIn(collection, "grpc.client.attempt.duration", attributes), 1);
        const received = collection
          .get("grpc.client.attempt.rcvd_total_compressed_message_size")
          ?.points.find((point) => point.attributes["grpc.status"] === status);
        assert.equal((received as { value: { sum: number } }).value.sum, status === "OK" ? "second".length + 2 : 0);
      }
      assert.equal(valueIn(collection, "grpc.client.attempt.started", ofMethod), 2);
      assert.equal(valueIn(collection, "glink.retries", { "glink.retry.cause": "policy" }), 1);
    },
  ));

test("gRPC's histograms of retries record nothing of calls that had none", () =>
  measured(
    inTurn(answer("ok"), failTrailersOnly(Code.Unavailable), answer("ok"), refuse, answer("ok")),
    {
      metrics: {
        "grpc.client.call.retries": true,
        "grpc.client.call.transparent_retries": true,
        "grpc.client.call.retry_delay": true,
        "rpc.client.call.duration": false,
      },
    },
    async (bench, { collect }) => {
      await bench.client.unary({});
      const none = await collect();
      assert.equal(none.has("grpc.client.call.retries") || none.has("rpc.client.call.duration"), false);
      await callWithRetry(bench);
      await bench.client.unary({});
      const collection = await collect();
      assert.equal(valueIn(collection, "grpc.client.call.retries"), 1);
      assert.equal(valueIn(collection, "grpc.client.call.transparent_retries"), 1);
      assert.equal(valueIn(collection, "grpc.client.call.retry_delay"), 1);
    },
  ));

test("every metric of the guide is collected, with its unit, kind and labels, by the SDK and by the producer alike", async () => {
  const all = Object.fromEntries(documented.map(({ name }) => [name, true])) as Record<MetricName, boolean>;
  const options = {
    conventions: ["semconv", "grpc"],
    metrics: all,
    optionalLabels: ["grpc.disconnect_error", "grpc.security_level"],
    backendLabel: true,
  } as const;
  const producer = metricProducer(options);
  const [sdk, own] = [testMetrics(), testMetrics({ metricProducers: [producer] })];
  const openTelemetryMetrics = openTelemetry({ tracerProvider: false, meterProvider: sdk.meterProvider, ...options });
  const script = inTurn(failTrailersOnly(Code.Unavailable), refuse, answer("ok"), loseConnection, answer("ok"));
  const fleet = await startFleet(2, script);
  const resolver = manualResolver(...fleet.addresses, "127.0.0.1:1");
  const transport = glinkTransport({
    baseUrl: "http://echo.test:50051",
    resolver,
    retry: { initialBackoffMs: 1 },
    instrumentation: [openTelemetryMetrics, producer],
  });
  const recording = recordEvents(transport);
  try {
    const client = createClient(EchoService, transport);
    await client.unary({ text: "hello" });
    await client.unary({ text: "hello" });
    await recording.until("connect-failed");
    const ready = () => transport.snapshot().subchannels.filter(({ state }) => state === "ready").length;
    // A backend that was lost is dialled while there are calls.
    for (let i = 0; i < 1_000 && ready() < 2; i++) await Promise.all([client.unary({}), sleep(10)]);
    // Two attempts at once.
    const hedging = { delayMs: 0, idempotentOnly: false };
    await client.unary({}, { contextValues: createContextValues().set(glinkCall, { hedging }) });
    resolver.answer(fleet.addresses[0] as string);
    await recording.until("connection-drained");
    const collections = [await sdk.collect(), await own.collect()];
    // Each row of the table, whatever is wrong with it.
    const rows = guide.slice(guide.indexOf("| metric | kind |")).match(/^\| `(?:rpc|grpc|glink)\..*$/gm);
    assert.equal(rows?.length, documented.length);
    for (const collection of collections) {
      assert.deepEqual([...collection.keys()].sort(), documented.map(({ name }) => name).sort());
      for (const { name, kind, unit, labels } of documented) {
        const metric = collection.get(name);
        const type = { histogram: 0, gauge: 2, sum: 3, counter: 3 }[kind];
        assert.deepEqual([metric?.unit, metric?.dataPointType], [unit, type], name);
        if (type === 3) assert.equal(metric?.isMonotonic, kind === "counter", name);
        assert.notEqual(metric?.description, "", name);
        const known = [...Array.from(labels.matchAll(/`([a-z._]+)`/g), ([, label]) => label)];
        const ofBackend = /connection_attempts|open_connections|glink\.calls\.open/.test(name);
        const peer = ofBackend ? ["network.peer.address", "network.peer.port"] : [];
        const unknown = labelsOf(collection, name)
          .flat()
          .filter((label) => ![...known, ...peer].includes(label));
        assert.deepEqual(unknown, [], name);
      }
    }
    const [fromSdk, fromProducer] = collections as [Collection, Collection];
    for (const { name, kind } of documented) {
      if (name === "glink.resolve.age") continue;
      const values = (collection: Collection) =>
        (collection.get(name)?.points ?? [])
          .map(({ attributes, value }) => {
            if (kind !== "histogram") return JSON.stringify([attributes, value]);
            const { buckets, count, sum, min, max } = value as HistogramValue;
            return JSON.stringify([attributes, buckets, count, sum, min, max]);
          })
          .sort();
      assert.deepEqual(values(fromProducer), values(fromSdk), name);
    }
    assert.ok(
      valueIn(fromSdk, "grpc.subchannel.disconnections", { "grpc.disconnect_error": "subchannel shutdown" }) > 0,
    );
    assert.equal(valueIn(fromSdk, "glink.resolve.changes", { "glink.change": "removed" }), 2);
  } finally {
    await transport.close({ timeoutMs: 0 });
    await fleet.close();
  }
});

test("no counter or gauge of the guide stays at 0 where what it counts does not", async () => {
  const fleet = await startFleet(1, inTurn(failTrailersOnly(Code.NotFound), loseConnection, answer("ok")));
  const resolver = staticResolver(fleet.addresses);
  const real = glinkTransport({ baseUrl: "http://echo.test:50051", resolver });
  const client = createClient(EchoService, real);
  await errorOf(client.unary({}));
  await client.unary({});
  const raised = raisedSnapshot(real.snapshot());
  await real.close();
  await fleet.close();
  const producer = metricProducer({ backendLabel: true });
  producer.attach?.({
    ...raised,
    serverAddress: "echo.test",
    serverPort: 50051,
    counts: () => raised.calls,
    snapshot: () => raised,
    subscribe: () => () => undefined,
  });
  const { collect } = testMetrics({ metricProducers: [producer] });
  const counted = new Map(
    [...(await collect()).values()].map(({ name, points }) => [name, points.some(({ value }) => Number(value) > 0)]),
  );
  // Attempts are counted by method, as calls are followed.
  const ofSnapshots = documented.filter(
    ({ name, kind }) => kind !== "histogram" && name !== "grpc.client.attempt.started",
  );
  assert.deepEqual(
    ofSnapshots.filter(({ name }) => counted.get(name) !== true).map(({ name }) => name),
    [],
  );
});

test("transports to one target are added up, and what a closed one has counted stays", async () => {
  const { meterProvider, collect } = testMetrics();
  const fleet = await startFleet(1, answer("ok"));
  const newTransport = () =>
    glinkTransport({
      baseUrl: "http://echo.test:50051",
      resolver: staticResolver(fleet.addresses),
      instrumentation: openTelemetry({ meterProvider, tracerProvider: false }),
    });
  const transports = [newTransport(), newTransport()];
  for (const transport of transports) await createClient(EchoService, transport).unary({});
  const both = await collect();
  const ofTarget = { "grpc.target": target };
  assert.equal(valueIn(both, "grpc.client.attempt.started", ofTarget), 2);
  assert.equal(valueIn(both, "grpc.subchannel.open_connections", ofTarget), 2);
  assert.equal(valueIn(both, "rpc.client.call.duration"), 2);
  await transports[0]?.close();
  const one = await collect();
  assert.equal(valueIn(one, "grpc.subchannel.connection_attempts_succeeded", ofTarget), 2);
  assert.equal(valueIn(one, "grpc.client.attempt.started", ofTarget), 2);
  assert.equal(valueIn(one, "grpc.subchannel.open_connections", ofTarget), 1);
  await transports[1]?.close();
  await fleet.close();
});

test("a backend that has left is nowhere in the producer, and at 0 in the SDK, which keeps its series", async () => {
  const { meterProvider, collect } = testMetrics();
  const producer = metricProducer({ backendLabel: true });
  const own = testMetrics({ metricProducers: [producer] });
  const fleet = await startFleet(2, answer("ok"));
  const resolver = manualResolver(...fleet.addresses);
  const transport = glinkTransport({
    baseUrl: "http://echo.test:50051",
    resolver,
    instrumentation: [openTelemetry({ meterProvider, tracerProvider: false, backendLabel: true }), producer],
  });
  const connections = (collection: Collection) =>
    collection
      .get("grpc.subchannel.open_connections")
      ?.points.map(({ attributes, value }) => [attributes["network.peer.port"], value]);
  const [first, second] = fleet.addresses.map((address) => Number(address.split(":")[1]));
  await transport.ready();
  await until("both are ready", () => transport.snapshot().subchannels.every(({ state }) => state === "ready"));
  const both = [
    [first, 1],
    [second, 1],
  ];
  assert.deepEqual([connections(await collect()), connections(await own.collect())], [both, both]);
  resolver.answer(fleet.addresses[1] as string);
  await until("the first has left", () => transport.snapshot().subchannels.length === 1);
  assert.deepEqual(connections(await own.collect()), [[second, 1]]);
  assert.deepEqual(
    connections(await collect())?.sort(),
    [
      [first, 0],
      [second, 1],
    ].sort(),
  );
  await transport.close();
  assert.equal(connections(await own.collect()), undefined);
  assert.deepEqual(
    connections(await collect())?.sort(),
    [
      [first, 0],
      [second, 0],
    ].sort(),
  );
  await fleet.close();
});

test("an SDK that is registered after the first calls has the metrics of those that follow", () =>
  withBench(
    { script: answer("ok"), options: { instrumentation: openTelemetry({ tracerProvider: false }) } },
    async ({ client }) => {
      await client.unary({});
      const { meterProvider, collect } = testMetrics();
      metrics.setGlobalMeterProvider(meterProvider);
      try {
        await client.unary({});
        const collection = await collect();
        assert.equal(valueIn(collection, "rpc.client.call.duration"), 1);
        assert.equal(valueIn(collection, "grpc.subchannel.open_connections"), 2);
      } finally {
        metrics.disable();
      }
    },
  ));

test("the producer says since when it counts and until when, by the wall clock", async () => {
  let nowMs = 1_700_000_000_250;
  const producer = metricProducer({}, () => nowMs);
  assert.deepEqual((await producer.collect()).resourceMetrics.scopeMetrics, []);
  await withBench({ script: answer("ok"), options: { instrumentation: producer } }, async ({ client }) => {
    await client.unary({});
    nowMs += 1_500;
    const { resourceMetrics, errors } = await producer.collect();
    const [scope] = resourceMetrics.scopeMetrics;
    const duration = scope?.metrics.find(({ descriptor }) => descriptor.name === "rpc.client.call.duration");
    const [point] = duration?.dataPoints ?? [];
    assert.deepEqual(
      [point?.startTime, point?.endTime],
      [
        [1_700_000_000, 250_000_000],
        [1_700_000_001, 750_000_000],
      ],
    );
    assert.deepEqual(errors, []);
    assert.equal(scope?.scope.name, "glink");
  });
});

test("a value on a bucket's bound is in it, as in the SDK, and one above all bounds is in the last", async () => {
  const { OwnHistograms } = await import("../../../src/otel/metrics/own-histograms.ts");
  const { instruments } = await import("../../../src/otel/metrics/catalog.ts");
  const { meterProvider, collect } = testMetrics();
  const instrument = instruments.get("rpc.client.call.duration") ?? assert.fail();
  const advice = { explicitBucketBoundaries: [...instrument.bounds] };
  const histogram = meterProvider.getMeter("test").createHistogram("values", { advice });
  const own = new OwnHistograms();
  for (const value of [0, 0.005, 0.0051, 0.1, 10, 10.1, 1_000]) {
    own.series(instrument, {}).record(value);
    histogram.record(value);
  }
  const [[, [series]]] = [...own] as never as [[unknown, [{ counts: Float64Array }]]];
  const [point] = (await collect()).get("values")?.points ?? [];
  const { buckets } = (point as { value: { buckets: { counts: number[] } } }).value;
  assert.deepEqual([...series.counts], buckets.counts);
});
