import assert from "node:assert/strict";
import { test } from "node:test";
import { Code } from "@connectrpc/connect";
import { eventWords } from "../../../../src/admin/history/event-words.ts";
import type { GlinkFact } from "../../../../src/observe/events.ts";

const error = { kind: "dial", code: Code.Unavailable, progress: "unsent", message: "cannot connect" } as const;
const cause = { name: "TypeError", code: undefined, message: "broken" };
const address = "10.0.0.1:1";
const method = "a.Service/Method";

type FactOf<T extends GlinkFact["type"]> = Omit<Extract<GlinkFact, { readonly type: T }>, "type">;

/** One of each type: the compiler asks for those that are new. */
const facts: { readonly [T in GlinkFact["type"]]: FactOf<T> } = {
  "pool-updated": { added: [address], removed: [], leaving: [], kept: 2 },
  "backends-stale": { stale: [address], returned: [] },
  resolved: { addresses: 3, tookMs: 2, changed: true },
  "resolve-failed": { error, first: true },
  "resolve-recovered": {},
  "service-config-rejected": { error: cause, first: true },
  "subchannel-state": { address, from: "ready", to: "idle", ready: 1, backends: 2 },
  connected: {
    address,
    tookMs: 1,
    localAddress: undefined,
    alpn: undefined,
    tls: undefined,
    maxConcurrentStreams: undefined,
  },
  "connect-failed": { address, tookMs: 1, error },
  "ping-timeout": { address, waitedMs: 1 },
  goaway: { address, http2Code: 0, debug: "" },
  "connection-draining": { address, openCalls: 1, reason: "goaway" },
  "connection-drained": { address, cutCalls: 0, tookMs: 1 },
  "subchannel-suspect": { address, reason: "silence" },
  "subchannel-silent": { address, silentMs: 2_000 },
  "subchannel-usable": { address, suspectMs: 1 },
  "backend-ejected": { address, reason: "consecutive-failures", ejections: 2, ejectionMs: 60_000 },
  "backend-probing": { address },
  "backend-returned": { address, ejectedMs: 1 },
  "backend-unhealthy": { address, reason: "it says NOT_SERVING" },
  "backend-healthy": { address, unhealthyMs: 1 },
  "panic-began": { connected: 4, usable: 1 },
  "panic-ended": { connected: 4, usable: 3 },
  "renewal-failed": { address, error, first: true },
  "call-queued": { method, waitsFor: "connect" },
  "queue-drained": { calls: 1 },
  "attempt-failed": { method, attempt: 1, address, error, retryDelayMs: undefined },
  "retry-withheld": { method, address, reason: "budget", first: true },
  "priority-changed": { from: undefined, to: 1 },
  "zone-share-changed": { zone: "a", share: 0.456 },
  "call-dropped": { method, reason: "admission", first: true, message: "too many fail" },
  hint: { hint: "fallback", message: "said once" },
  "user-code-failed": { where: "logger", error: cause },
  closed: {},
};

const words = (type: GlinkFact["type"]) =>
  eventWords({ type, ...facts[type], target: "http://echo.test", at: 0 } as Parameters<typeof eventWords>[0]);

test("every event is told in words", () => {
  for (const type of Object.keys(facts) as GlinkFact["type"][]) {
    assert.notEqual(words(type), type);
    assert.doesNotMatch(words(type), /undefined|\[object/, type);
  }
});

test("events of ejections, panic, priorities and zones say why, how many and where", () => {
  assert.equal(words("backend-ejected"), "ejected for 1 min 0 s: its calls fail one after the other, for the 2. time");
  assert.equal(words("backend-unhealthy"), "unhealthy: it says NOT_SERVING");
  assert.equal(words("panic-began"), "panic: 1 of 4 connected backends are usable, and calls go to all of them");
  assert.equal(words("priority-changed"), "calls go to priority 1");
  assert.equal(words("zone-share-changed"), "46 % of the calls stay in the zone a");
  assert.equal(words("call-dropped"), "calls are dropped (admission), of a.Service/Method: too many fail");
});
