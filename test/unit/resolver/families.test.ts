import assert from "node:assert/strict";
import { test } from "node:test";
import { orderFamilies, reachOf } from "../../../src/resolver/families.ts";

const loopback = ["127.0.0.1", "::1"];
const machines: Record<string, readonly string[]> = {
  "a dual-stack machine": [...loopback, "10.0.0.9", "fd00::9", "fe80::9"],
  "a machine with IPv4 only": [...loopback, "10.0.0.9", "fe80::9"],
  "a machine with IPv6 only": [...loopback, "fd00::9", "fe80::9"],
  "a machine with loopback only": loopback,
  "a machine without IPv6": ["127.0.0.1", "10.0.0.9"],
};

const both = { 4: ["10.0.0.1", "10.0.0.2"], 6: ["fd00::1"] };
const local = { 4: ["127.0.0.1"], 6: ["::1"] };

for (const [machine, found, hosts, fallbackHosts] of [
  ["a dual-stack machine", both, both[4], both[6]],
  ["a machine with IPv4 only", both, both[4], []],
  ["a machine with IPv6 only", both, both[6], []],
  ["a machine with loopback only", both, both[4], []],
  ["a machine without IPv6", both, both[4], []],
  ["a dual-stack machine", local, local[4], local[6]],
  ["a machine with IPv6 only", local, local[4], local[6]],
  ["a machine without IPv6", local, local[4], []],
  ["a machine with IPv4 only", { 4: [], 6: both[6] }, both[6], []],
  ["a machine with IPv6 only", { 4: both[4], 6: [] }, both[4], []],
] as const) {
  test(`${machine} connects to ${hosts.join()}, of ${[...found[4], ...found[6]].join()}, and falls back to ${fallbackHosts.join() || "none"}`, () => {
    const reach = () => reachOf((machines[machine] ?? []).map((address) => ({ address })));
    const ordered = orderFamilies(found, reach);
    assert.deepEqual([ordered.hosts, ordered.fallbackHosts], [hosts, fallbackHosts]);
  });
}
