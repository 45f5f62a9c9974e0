import assert from "node:assert/strict";
import { test } from "node:test";
import type { SubchannelSnapshot } from "../../../src/index.ts";
import { BackendRows } from "../../../src/prometheus/backend-rows.ts";

const target = "dns:///echo:50051";

function backend(address: string, counts: Partial<SubchannelSnapshot> = {}): SubchannelSnapshot {
  const none = { state: "ready", openCalls: 0, callsStarted: 0, callsFailed: 0 } as const;
  return { address, ...none, ...counts } as SubchannelSnapshot;
}

function linesOf(rows: BackendRows, metric: Parameters<BackendRows["each"]>[0]): string[] {
  const lines: string[] = [];
  rows.each(metric, (_, { text }, value) => lines.push(`${text} ${value}`));
  return lines;
}

test("a backend of two transports to one target is one, and its values are added", () => {
  const rows = new BackendRows();
  rows.add(target, [backend("10.0.0.7:50051", { callsStarted: 2 }), backend("10.0.0.8:50051")]);
  rows.add(target, [backend("10.0.0.7:50051", { callsStarted: 3, state: "idle" })]);
  rows.add(target, [backend("10.0.0.7:50051", { callsStarted: 4 })]);
  const [seven, eight] = ["7", "8"].map(
    (last) => `{grpc_target="${target}",network_peer_address="10.0.0.${last}",network_peer_port="50051"}`,
  );
  assert.deepEqual(linesOf(rows, "glink_backend_attempts_started_total"), [`${seven} 9`, `${eight} 0`]);
  assert.deepEqual(linesOf(rows, "glink_backend_ready"), [`${seven} 2`, `${eight} 1`]);
  assert.equal(rows.count, 2);
});

test("the same address of two targets is two backends", () => {
  const rows = new BackendRows();
  for (const one of [target, "dns:///other:1"]) rows.add(one, [backend("10.0.0.7:50051")]);
  assert.equal(rows.count, 2);
  assert.equal(linesOf(rows, "glink_backend_calls_open").length, 2);
});

for (const [what, address, labels] of [
  ["IPv6", "[fd00::7]:50051", { network_peer_address: "fd00::7", network_peer_port: "50051" }],
  ["a socket of Unix", "unix:/run/echo.sock", { network_peer_address: "unix:/run/echo.sock" }],
  ["several addresses", "10.0.0.7:1,[fd00::7]:1", { network_peer_address: "10.0.0.7:1,[fd00::7]:1" }],
  ["quotes and backslashes", 'a"b\\c:1', { network_peer_address: 'a"b\\c', network_peer_port: "1" }],
] as const) {
  test(`the labels of a backend: ${what}`, () => {
    const rows = new BackendRows();
    rows.add(target, [backend(address)]);
    rows.each("glink_backend_ready", (_, set) => {
      assert.deepEqual(set.labels, { grpc_target: target, ...labels });
      const quoted = Object.entries(set.labels).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
      assert.equal(set.text, `{${quoted.join(",")}}`);
    });
  });
}
