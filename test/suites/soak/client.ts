import { getEventListeners } from "node:events";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { ownConfig, tellParent } from "../../../demo/processes.ts";
import { dnsResolver, glinkTransport } from "../../../src/index.ts";
import { heapInUseMb } from "../../support/heap.ts";
import { echoCalls } from "../load/echo-calls.ts";
import { makeCall } from "../load/mix.ts";
import type { ClientConfig, FromClient } from "./messages.ts";

// The client of a soak: calls of every kind at a steady rate, and what they leave behind.

/** A machine too slow for the rate gets less of it, instead of ever more open calls. */
const maxOpenCalls = 400;
const loopStepMs = 10;

const { port, dnsServer, engine, perSecond, sampleMs } = ownConfig<ClientConfig>();
const transport = glinkTransport({
  baseUrl: `http://echo.test:${port}`,
  http2: engine,
  resolver: dnsResolver({ servers: [dnsServer], family: 4 }),
  rotationIntervalMs: 1_000,
  maxConnectionAgeMs: 5_000,
});
let retries = 0;
transport.subscribe((event) => {
  if (event.type === "attempt-failed" && event.retryDelayMs !== undefined) retries++;
});
// One signal for all calls, as a service has one for its shutdown.
const shutdown = new AbortController();
const calls = echoCalls(transport, shutdown.signal);
await tellParent<FromClient>({ type: "ready" });

let started = 0;
let open = 0;
let made = 0;
let skipped = 0;
let lost = 0;
let firstLost: string | undefined;
let durationsMs: number[] = [];
const loopDelay = monitorEventLoopDelay({ resolution: loopStepMs });
loopDelay.enable();
const beganMs = performance.now();
setInterval(() => {
  const due = ((performance.now() - beganMs) * perSecond) / 1_000;
  for (; started < due; started++) {
    if (open < maxOpenCalls) void call(started);
    else skipped++;
  }
}, 5);

async function call(index: number): Promise<void> {
  const startedMs = performance.now();
  open++;
  try {
    await makeCall(calls, index);
  } catch (error) {
    lost++;
    firstLost ??= String(error);
  }
  open--;
  made++;
  durationsMs.push(performance.now() - startedMs);
}

for (;;) {
  await sleep(sampleMs);
  const sorted = durationsMs.sort((a, b) => a - b);
  const { connections } = transport.snapshot();
  await tellParent<FromClient>({
    type: "sample",
    atMs: performance.now() - beganMs,
    calls: made,
    lost,
    firstLost,
    skipped,
    p99Ms: sorted[Math.floor(sorted.length * 0.99)] ?? 0,
    loopLateMs: Math.max(0, loopDelay.percentile(99) / 1e6 - loopStepMs),
    heapMb: await heapInUseMb(),
    rssMb: process.memoryUsage().rss / 2 ** 20,
    handles: process.getActiveResourcesInfo().length,
    listeners:
      process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0) +
      Math.max(0, getEventListeners(shutdown.signal, "abort").length - open),
    retries,
    connections: connections.dials.succeeded,
  });
  durationsMs = [];
  loopDelay.reset();
}
