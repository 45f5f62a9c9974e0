import assert from "node:assert/strict";
import { test } from "node:test";
import type { Backend } from "../../../demo/fleet.ts";
import type { ResolverConfig } from "../../../demo/messages.ts";
import { arrivalPromiseMs, brokenPromises } from "../../../demo/promises.ts";
import { CallStatistics } from "../../../demo/statistics.ts";
import { type PastPhase, shortPace } from "../../../demo/timeline.ts";

const terms = { callsPerSecond: 100, arrivalMs: 1_000 };
const addresses = ["127.0.0.2:1", "127.0.0.3:1"];

/** Two phases of 1 s one after the other, with the same two backends; in the second one is frozen, if it is told so. */
function phases(frozenMs?: number): PastPhase[] {
  const backends = addresses.map((address) => ({ address, label: address }) as Backend);
  return [0, 1_000].map((fromMs, index) => ({
    phase: {
      title: `phase ${index + 1}`,
      story: "",
      change: async () => undefined,
      ...(index === 1 && frozenMs ? { frozenMs } : {}),
    },
    period: { fromMs, toMs: fromMs + 1_000 },
    settled: { fromMs, toMs: fromMs + 1_000 },
    backends,
    added: [],
  }));
}

/** 100 calls/s in turn to the backends, of which so many fail in the second phase. */
function calls(failed: number, answering = addresses): CallStatistics {
  const statistics = new CallStatistics();
  const records = Array.from({ length: 200 }, (_, i) => {
    const fails = i >= 100 && i < 100 + failed;
    return {
      endedAtMs: i * 10,
      durationMs: 1,
      backend: fails ? undefined : answering[i % answering.length],
      error: fails ? "failed" : undefined,
    };
  });
  statistics.add({ type: "report", calls: records, pool: {}, retries: 0, crashes: 0 });
  return statistics;
}

test("a run without a failed call and with even shares breaks no promise", () => {
  assert.deepEqual(brokenPromises(phases(), calls(0), terms), []);
});

test("one failed call breaks a promise where no backend stands still", () => {
  assert.deepEqual(brokenPromises(phases(), calls(2), terms), ['"phase 2": at most 0 calls fail: 2 did']);
});

test("while a backend of two stands still for 200 ms, and in the second after, its half of the calls may fail", () => {
  assert.deepEqual(brokenPromises(phases(200), calls(72), terms), []);
  assert.deepEqual(brokenPromises(phases(200), calls(74), terms), ['"phase 2": at most 72 calls fail: 74 did']);
});

test("calls that all go to one of two backends break the promise of even shares", () => {
  const broken = brokenPromises(phases(), calls(0, addresses.slice(0, 1)), terms);
  assert.deepEqual(broken, [
    '"phase 2": each of 2 backends has an even share in the end: 127.0.0.2:1 has 100 %',
    '"phase 2": each of 2 backends has an even share in the end: 127.0.0.3:1 has 0 %',
  ]);
});

test("a new backend that has calls too late breaks a promise: DNS is asked once a rotation, a resolver that is told has a second", () => {
  const [first, second] = phases() as [PastPhase, PastPhase];
  const added = { address: addresses[1], label: addresses[1], listedAtMs: -1_100 } as Backend;
  const past = [first, { ...second, added: [added] }];
  const promised = (type: "dns" | "file") => {
    const resolver: ResolverConfig = type === "dns" ? { type } : { type, path: "" };
    return brokenPromises(past, calls(0), { callsPerSecond: 100, arrivalMs: arrivalPromiseMs(resolver, shortPace) });
  };
  assert.deepEqual(promised("dns"), []);
  assert.deepEqual(promised("file"), [
    '"phase 2": a new backend gets calls within 1000 ms: 127.0.0.3:1 got them after 1110 ms',
  ]);
});
