import assert from "node:assert/strict";
import { test } from "node:test";
import { Code, createClient } from "@connectrpc/connect";
import { Registry } from "prom-client";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { type GlinkSnapshot, glinkTransport, staticResolver } from "../../../src/index.ts";
import { Histogram } from "../../../src/prometheus/histogram.ts";
import { promClientMetrics, prometheusHistograms, prometheusText } from "../../../src/prometheus/index.ts";
import { startConnectEcho } from "../../support/echo-server.ts";
import { checkForLeaks } from "../../support/leaks.ts";

checkForLeaks();

/** The values of a scrape, by name and labels. */
function valuesOf(text: string): Map<string, number> {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ")))]),
  );
}

/** A transport with two good calls, one that fails and one that is repeated, and its histograms. */
async function usedTransport() {
  const backend = await startConnectEcho();
  const histograms = prometheusHistograms();
  const options = { baseUrl: "http://echo.test", resolver: staticResolver([backend.address]) };
  const transport = glinkTransport({ ...options, retry: { initialBackoffMs: 1 }, instrumentation: histograms });
  const client = createClient(EchoService, transport);
  await client.unary({ text: "s3cret" }, { headers: { authorization: "s3cret" } });
  await client.unary({});
  await client.unary({ behavior: { failCode: Code.Unavailable, failAttempts: 1, requestId: "prometheus" } });
  await assert.rejects(client.unary({ behavior: { failCode: Code.Canceled } }));
  const close = async () => {
    await transport.close();
    await backend.close();
  };
  return { backend, transport, histograms, client, close };
}

const target = 'grpc_target="dns:///echo.test:80"';

test("a scrape has calls by status, retries by cause, connections and lookups, and nothing of what calls carry", async () => {
  const { backend, transport, close } = await usedTransport();
  try {
    const text = prometheusText([transport]);
    const values = valuesOf(text);
    assert.equal(values.get(`glink_calls_ended_total{${target},grpc_status="OK"}`), 3);
    assert.equal(values.get(`glink_calls_ended_total{${target},grpc_status="CANCELLED"}`), 1);
    assert.equal(values.get(`grpc_client_attempt_started_total{${target}}`), 5);
    assert.equal(values.get(`glink_retries_total{${target},glink_retry_cause="policy"}`), 1);
    const failed = `glink_attempts_failed_total{${target},glink_failure_kind="status",glink_progress="unknown"}`;
    assert.equal(values.get(failed), 2);
    assert.equal(values.get(`glink_pool_backends{${target},glink_state="ready"}`), 1);
    assert.equal(values.get(`grpc_subchannel_open_connections{${target},grpc_security_level="none"}`), 1);
    assert.equal(values.get(`glink_connect_duration_seconds_count{${target},glink_outcome="success"}`), 1);
    assert.equal(values.get(`glink_resolve_lookups_total{${target},glink_outcome="success"}`), 1);
    assert.ok((values.get(`glink_resolve_age_seconds{${target}}`) ?? -1) >= 0);
    assert.doesNotMatch(text, /s3cret|127\.0\.0\.1|NaN|undefined/, "no address without backendLabel");
    assert.doesNotMatch(text, /_bucket/, "no histogram that was not asked for");
    const [host, port] = backend.address.split(":");
    const peer = `network_peer_address="${host}",network_peer_port="${port}"`;
    const labelled = valuesOf(prometheusText([transport], { backendLabel: true }));
    assert.equal(labelled.get(`glink_backend_attempts_started_total{${target},${peer}}`), 5);
    assert.equal(labelled.get(`glink_backend_ready{${target},${peer}}`), 1);
  } finally {
    await close();
  }
});

test("histograms that a transport was given count each call and each attempt once, in cumulative buckets", async () => {
  const { transport, histograms, close } = await usedTransport();
  try {
    const values = valuesOf(prometheusText([transport], { histograms }));
    const call =
      'rpc_system_name="grpc",rpc_method="glink.demo.v1.EchoService/Unary",rpc_status_code="OK",' +
      'server_address="echo.test",server_port="80"';
    assert.equal(values.get(`rpc_client_call_duration_seconds_count{${call}}`), 3);
    assert.equal(values.get(`rpc_client_call_duration_seconds_bucket{${call},le="+Inf"}`), 3);
    assert.ok((values.get(`rpc_client_call_duration_seconds_sum{${call}}`) ?? 0) > 0);
    const attempt = `${target},grpc_method="glink.demo.v1.EchoService/Unary",grpc_status`;
    assert.equal(values.get(`grpc_client_attempt_duration_seconds_count{${attempt}="OK"}`), 3);
    assert.equal(values.get(`grpc_client_attempt_duration_seconds_count{${attempt}="UNAVAILABLE"}`), 1);
    assert.equal(values.get(`grpc_client_attempt_duration_seconds_count{${attempt}="CANCELLED"}`), 1);
    const buckets = [...values].filter(([name]) => name.startsWith(`rpc_client_call_duration_seconds_bucket{${call}`));
    assert.deepEqual(
      buckets.map(([, value]) => value),
      buckets.map(([, value]) => value).toSorted((a, b) => a - b),
    );
  } finally {
    await close();
  }
});

test("prom-client's registry prints the same numbers, and asks each transport once", async () => {
  const { transport, histograms, close } = await usedTransport();
  try {
    let snapshots = 0;
    const counting = {
      snapshot() {
        snapshots++;
        return transport.snapshot();
      },
    };
    const registry = new Registry();
    for (const metric of promClientMetrics([counting], { histograms })) registry.registerMetric(metric as never);
    const ages = /glink_resolve_age_seconds/;
    const stable = (text: string) => [...valuesOf(text)].filter(([name]) => !ages.test(name)).sort();
    assert.deepEqual(stable(await registry.metrics()), stable(prometheusText([transport], { histograms })));
    assert.equal(snapshots, 1);
    await registry.metrics();
    assert.equal(snapshots, 2);
  } finally {
    await close();
  }
});

test("transports to one target are one series each: counters add up, and gauges show the one that is worst off", () => {
  const transport = glinkTransport({ baseUrl: "http://echo.test" });
  const snapshot = transport.snapshot();
  const with_ = (changes: Partial<GlinkSnapshot>) => ({ snapshot: () => ({ ...snapshot, ...changes }) });
  const resolution = { ...snapshot.resolution, lastSuccessAtMs: snapshot.takenAtMs - 3_000 };
  const older = { ...resolution, lastSuccessAtMs: snapshot.takenAtMs - 60_000 };
  const budget = (available: number) => ({ used: 0, allowed: 100, available });
  const values = valuesOf(
    prometheusText([
      with_({ openCalls: 2, resolution, retryBudget: budget(90) }),
      with_({ openCalls: 3, resolution: older, retryBudget: budget(7) }),
      with_({ openCalls: 4, grpcTarget: 'unix:///odd"\\\n' }),
    ]),
  );
  assert.equal(values.get(`glink_calls_open{${target}}`), 5);
  assert.equal(values.get('glink_calls_open{grpc_target="unix:///odd\\"\\\\\\n"}'), 4);
  assert.equal(values.get(`glink_resolve_age_seconds{${target}}`), 60);
  assert.equal(values.get(`glink_retry_budget_available{${target}}`), 7);
});

test("a histogram counts a value in the first bucket that holds it, its bound included", () => {
  const histogram = new Histogram([1, 2, 5]);
  for (const value of [0, 1, 1.5, 2, 5, 5.1, 1_000]) histogram.record(value);
  assert.deepEqual(histogram.counts, [2, 2, 1, 2]);
  assert.equal(histogram.sum, 1_014.6);
});

test("what is no transport, no histogram or no option is refused", () => {
  assert.throws(() => prometheusText(undefined as never), /transports must be a list of transports/);
  assert.throws(() => prometheusText([{} as never]), /transports must be a list of transports/);
  assert.throws(
    () => prometheusText([], { histograms: {} as never }),
    /histograms must be what prometheusHistograms\(\) made/,
  );
  assert.throws(() => promClientMetrics([], { backendLabel: 1 as never }), /backendLabel must be true or false, not 1/);
});
