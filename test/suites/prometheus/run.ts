import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Code, createClient } from "@connectrpc/connect";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { type GlinkTransport, glinkTransport, staticResolver } from "../../../src/index.ts";
import { prometheusContentType, prometheusHistograms, prometheusText } from "../../../src/prometheus/index.ts";
import { startConnectEcho } from "../../support/echo-server.ts";
import { dashboardQueries } from "./dashboard.ts";
import { hasPrometheus, lint, type PrometheusServer, startPrometheus } from "./server.ts";

/*
 * npm run prometheus
 * A real Prometheus scrapes a process whose transports make calls, and its queries find what the snapshots say. promtool
 * finds nothing to complain of, and every query of docs/grafana-dashboard.json has an answer.
 */

const histograms = prometheusHistograms();
const target = 'grpc_target="dns:///echo.test:80"';

/** Calls of every outcome, for as long as `goOn` says. */
async function makeCalls(transport: GlinkTransport, goOn: () => boolean): Promise<void> {
  const client = createClient(EchoService, transport);
  for (let i = 0; goOn(); i++) {
    // More at once than there are streams.
    await Promise.all(Array.from({ length: 4 }, () => client.unary({ text: "hello" })));
    const requestId = `${transport.snapshot().target} ${i}`;
    // Where the budget is used up it fails.
    await client.unary({ behavior: { failCode: Code.Unavailable, failAttempts: 1, requestId } }).catch(() => undefined);
    await client.unary({ behavior: { failCode: Code.NotFound } }).catch(() => undefined);
    await sleep(20);
  }
}

/** What Prometheus has for the expression, once it has what is expected. */
async function queried(server: PrometheusServer, expression: string, expected: number): Promise<void> {
  let found: number | undefined;
  for (let i = 0; i < 100; i++) {
    found = (await server.query(expression))[0]?.value;
    if (found === expected) break;
    await sleep(100);
  }
  assert.equal(found, expected, expression);
  console.log(`${expression}: ${found}, as the snapshot says`);
}

async function main(): Promise<void> {
  const backends = [
    await startConnectEcho({ maxConcurrentStreams: 1 }),
    await startConnectEcho({ maxConcurrentStreams: 1 }),
  ];
  const transport = glinkTransport({
    baseUrl: "http://echo.test",
    resolver: staticResolver(backends.map(({ address }) => address)),
    retry: { initialBackoffMs: 1, budget: false },
    instrumentation: histograms,
  });
  const limited = glinkTransport({
    baseUrl: "http://limited.test",
    resolver: staticResolver(backends.map(({ address }) => address)),
    retry: { initialBackoffMs: 1, budget: { ratio: 0, minPerSecond: 0.5 } },
    instrumentation: histograms,
  });
  const transports = [transport, limited];
  const metrics = () => prometheusText(transports, { histograms, backendLabel: true });
  const server = createServer((_, response) => {
    response.setHeader("content-type", prometheusContentType);
    response.end(metrics());
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  let calling = true;
  const calls = transports.map((one) => makeCalls(one, () => calling));
  const prometheus = await startPrometheus(`127.0.0.1:${(server.address() as AddressInfo).port}`);
  try {
    await sleep(2_000);
    for (const { sessions } of backends) for (const session of sessions) session.goaway(0);
    await sleep(4_000);
    calling = false;
    await Promise.all(calls);
    assert.equal(lint(metrics()), "", "promtool check metrics");
    const { calls: counts, connections, subchannels } = transport.snapshot();
    await queried(prometheus, `glink_calls_ended_total{${target},grpc_status="OK"}`, counts.succeeded);
    await queried(
      prometheus,
      `glink_calls_ended_total{${target},grpc_status="NOT_FOUND"}`,
      counts.failed.NotFound ?? 0,
    );
    // Those that a GOAWAY brought used up no attempt.
    const retries = counts.retries + counts.transparentRetries;
    await queried(prometheus, `sum(glink_retries_total{${target}})`, retries);
    await queried(prometheus, `sum(glink_backend_attempts_started_total{${target}})`, counts.attempts);
    await queried(prometheus, `glink_pool_backends{${target},glink_state="ready"}`, subchannels.length);
    const dials = `glink_connect_duration_seconds_count{${target},glink_outcome="success"}`;
    await queried(prometheus, dials, connections.dials.succeeded);
    const method = 'rpc_method="glink.demo.v1.EchoService/Unary",server_address="echo.test"';
    await queried(prometheus, `sum(rpc_client_call_duration_seconds_count{${method}})`, counts.started);
    const queries = dashboardQueries();
    for (const { panel, expression } of queries) {
      const results = await prometheus.query(expression);
      assert.ok(results.length > 0, `${panel} finds nothing: ${expression}`);
    }
    console.log(`promtool finds no fault, and the ${queries.length} queries of the dashboard find something`);
  } finally {
    await prometheus.close();
    server.close();
    for (const one of transports) await one.close();
    for (const backend of backends) await backend.close();
  }
}

if (hasPrometheus()) await main();
else
  console.log(
    "skipped: prometheus and promtool are not installed (apt-get install --no-install-recommends prometheus)",
  );
