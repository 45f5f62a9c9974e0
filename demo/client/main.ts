/**
 * A client process: steady unary calls by one client, and a few reports per second about how they went. Calls are
 * started by the clock, not by each other's end, as long as not too many are open.
 */
import type { CallRecord, ClientConfig, ClientName, FromClient, ToClient } from "../messages.ts";
import { ownConfig, tellParent } from "../processes.ts";
import type { OpenClient } from "./demo-client.ts";

const tickMs = 10;
const reportIntervalMs = 200;
/** One second of load: a client that hangs, or a machine too slow for the demo, does not pile up calls without end. */
const maxOpenCalls = 100;

/** A process loads the library that it calls with, and no other. */
const clients: Record<ClientName, () => Promise<{ readonly open: OpenClient }>> = {
  glink: () => import("./glink.ts"),
  createGrpcTransport: () => import("./create-grpc-transport.ts"),
  "grpc-js": () => import("./grpc-js.ts"),
};

const config = ownConfig<ClientConfig>();
const ended: CallRecord[] = [];
const open = new Set<Promise<void>>();

// Connect's PING timeout can emit an 'error' event that nobody hears. The run goes on, and says how often it happened.
let crashes = 0;
process.on("uncaughtException", () => crashes++);

const client = await (await clients[config.client]()).open(config);
process.once("message", (message: ToClient) => {
  if (message.type === "begin") begin();
});
await tellParent<FromClient>({ type: "ready" });

function begin(): void {
  const startedMs = performance.now();
  let started = 0;
  const load = setInterval(() => {
    const due = ((performance.now() - startedMs) * config.callsPerSecond) / 1_000;
    // What this process itself slept through is left out: a burst would be another load than the steady one promised.
    started = Math.max(started, Math.floor(due) - config.callsPerSecond / 10);
    for (; started < due; started++) {
      if (open.size >= maxOpenCalls) continue;
      const call = measure().finally(() => open.delete(call));
      open.add(call);
    }
  }, tickMs);
  const reports = setInterval(() => void report(), reportIntervalMs);
  process.once("message", () => {
    clearInterval(load);
    clearInterval(reports);
    void end();
  });
}

async function measure(): Promise<void> {
  const startedMs = performance.now();
  let backend: string | undefined;
  let error: string | undefined;
  try {
    backend = await client.call();
  } catch (reason) {
    error = reason instanceof Error ? reason.message : String(reason);
  }
  ended.push({ endedAtMs: Date.now(), durationMs: performance.now() - startedMs, backend, error });
}

async function report(): Promise<void> {
  const calls = ended.splice(0);
  await tellParent<FromClient>({ type: "report", calls, crashes, ...client.poolReport() });
}

async function end(): Promise<void> {
  await Promise.all(open);
  await report();
  await client.close();
  await tellParent<FromClient>({ type: "stopped" });
  process.disconnect();
}
