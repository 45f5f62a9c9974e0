import assert from "node:assert/strict";
import { test } from "node:test";
import { Code, createClient } from "@connectrpc/connect";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { adminPage } from "../../../src/admin/index.ts";
import { glinkTransport, staticResolver } from "../../../src/index.ts";
import { metricProducer } from "../../../src/otel/index.ts";
import { prometheusText } from "../../../src/prometheus/index.ts";
import { recordEvents } from "../../../src/testing/index.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { until } from "../../support/load.ts";
import { answer, failTrailersOnly, type ReceivedCall, startFleet } from "../../unit/calls/scripted-server.ts";

checkForLeaks();

test("a backend that is ejected is so on the page with the reason, in Prometheus' text and in OpenTelemetry's metrics", async () => {
  let bad = "";
  const fail = failTrailersOnly(Code.Unavailable);
  const succeed = answer("ok");
  const fleet = await startFleet(4, (call: ReceivedCall) => (call.backend === bad ? fail : succeed)(call));
  bad = fleet.addresses[0] as string;
  const producer = metricProducer();
  const transport = glinkTransport({
    baseUrl: "http://echo.test",
    resolver: staticResolver([...fleet.addresses]),
    instrumentation: producer,
  });
  const recording = recordEvents(transport);
  const page = adminPage([transport]);
  const html = async () => (await page.fetch(new Request("http://localhost/"))).text();
  try {
    await transport.ready();
    await until("all are ready", () => transport.snapshot().subchannels.every(({ state }) => state === "ready"));
    const client = createClient(EchoService, transport);
    const isEjected = () => transport.snapshot().subchannels.some(({ availability }) => availability === "ejected");
    for (let i = 0; i < 400 && !isEjected(); i++) await client.unary({}).catch(() => undefined);
    const { reason } = await recording.until("backend-ejected");
    assert.equal(transport.snapshot().ejections[reason], 1);
    const text = await html();
    assert.match(text, /ejected: its calls fail one after the other<\/span> <small>for \d+ m?s, \d+ s more<\/small>/);
    assert.match(text, /ejected for 30 s: its calls fail one after the other/);
    assert.match(text, / 1 ejection\./);
    assert.doesNotMatch(text, /Panic/);
    const scraped = prometheusText([transport]);
    const labels = 'grpc_target="dns:///echo.test:80"';
    assert.ok(scraped.includes(`glink_ejections_total{${labels},glink_reason="${reason}"} 1\n`));
    assert.ok(scraped.includes(`glink_pool_left_out{${labels},glink_availability="ejected"} 1\n`));
    assert.ok(scraped.includes(`glink_pool_panic{${labels}} 0\n`));
    const { resourceMetrics } = await producer.collect();
    const read = (name: string, label: string, value: string) =>
      resourceMetrics.scopeMetrics
        .flatMap(({ metrics }) => metrics)
        .find(({ descriptor }) => descriptor.name === name)
        ?.dataPoints.find(({ attributes }) => attributes[label] === value)?.value;
    assert.equal(read("glink.ejections", "glink.reason", reason), 1);
    assert.equal(read("glink.pool.left_out", "glink.availability", "ejected"), 1);
  } finally {
    page.close();
    await transport.close();
    await fleet.close();
  }
});
