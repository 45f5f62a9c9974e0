import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Code, createClient } from "@connectrpc/connect";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { type GlinkSnapshot, glinkTransport, staticResolver } from "../../../src/index.ts";
import { eventTypes } from "../../../src/observe/event-bus.ts";
import { prometheusHistograms, prometheusText } from "../../../src/prometheus/index.ts";
import { dashboardQueries } from "../../suites/prometheus/dashboard.ts";
import { startConnectEcho } from "../../support/echo-server.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { raisedSnapshot } from "../../support/raised-snapshot.ts";

/*
 * docs/observability.md lists every instrument, event and field that there is, and no other.
 */

checkForLeaks();

const guide = readFileSync(join(import.meta.dirname, "../../../docs/observability.md"), "utf8");

/** The names in the first cells of the table under a heading. */
function listed(heading: string): string[] {
  const section = guide.slice(guide.indexOf(`\n## ${heading}\n`) + 1);
  const end = section.indexOf("\n## ");
  const rows = section.slice(0, end === -1 ? undefined : end).matchAll(/^\| (`[^|]+) \|/gm);
  return Array.from(rows, ([, cell = ""]) => cell).flatMap((cell) =>
    Array.from(cell.matchAll(/`([^`]+)`/g), ([, name = ""]) => name),
  );
}

/** A transport that has made calls and lost a connection, after its close. */
async function seen(): Promise<{ text: string; snapshot: GlinkSnapshot }> {
  const backend = await startConnectEcho();
  const histograms = prometheusHistograms();
  const resolver = staticResolver([backend.address]);
  const transport = glinkTransport({ baseUrl: "http://echo.test", resolver, instrumentation: histograms });
  const client = createClient(EchoService, transport);
  await client.unary({});
  await assert.rejects(client.unary({ behavior: { failCode: Code.NotFound } }));
  for (const session of backend.sessions) session.goaway();
  await client.unary({});
  const text = prometheusText([transport], { histograms, backendLabel: true });
  const snapshot = transport.snapshot();
  await transport.close();
  await backend.close();
  return { text, snapshot };
}

test("every metric of the guide is in a scrape of a real transport, and every metric of that is in the guide", async () => {
  const { text, snapshot } = await seen();
  const names = Array.from(text.matchAll(/^# TYPE (\S+) /gm), ([, name]) => name);
  assert.deepEqual(listed("Metrics").toSorted(), names.toSorted());
  const fields = new Set(listed("Snapshot").filter((name) => !name.includes("[]")));
  assert.deepEqual(
    Object.keys(snapshot).filter((field) => !fields.has(field)),
    ["schema"],
  );
});

test("no metric of the guide stays at 0 where what it counts does not", async () => {
  const { text, snapshot } = await seen();
  const raised = prometheusText([{ snapshot: () => raisedSnapshot(snapshot) }], { backendLabel: true });
  const lines = `${text}${raised}`.matchAll(/^([a-z_]+?)(?:_sum|_count)?\{.*\} (\S+)$/gm);
  const counted = new Set(Array.from(lines).flatMap(([, name, value]) => (Number(value) > 0 ? [name] : [])));
  assert.deepEqual(
    listed("Metrics").filter((name) => !counted.has(name)),
    [],
  );
});

test("every metric that the dashboard asks for is one of the guide", () => {
  const known = new Set(listed("Metrics").flatMap((name) => [name, `${name}_sum`, `${name}_count`, `${name}_bucket`]));
  const asked = dashboardQueries().flatMap(
    ({ expression }) => expression.match(/\b(glink|grpc|rpc)_\w+(?=[{[])/g) ?? [],
  );
  assert.ok(asked.length > 20);
  assert.deepEqual(
    asked.filter((name) => !known.has(name)),
    [],
  );
});

test("every event is in the guide, and no other", () => {
  assert.deepEqual(listed("Events").toSorted(), eventTypes.toSorted());
});
