/**
 * A client process: steady unary calls through one transport, and a few reports per second about how they went. Calls
 * are started by the clock, not by each other's end, as long as not too many are open.
 */
import type { Transport } from "@connectrpc/connect";
import { ConnectError, createClient } from "@connectrpc/connect";
import { EchoService } from "../proto/gen/glink/demo/v1/echo_pb.js";
import type { CallRecord, ClientConfig, ClientReport, FromClient, ToClient } from "./messages.ts";
import { ownConfig, tellParent } from "./processes.ts";
import { demoGlinkTransport, demoGrpcTransport } from "./transports.ts";

const tickMs = 10;
const reportIntervalMs = 200;
/** One second of load: a client that hangs, or a machine too slow for the demo, does not pile up calls without end. */
const maxOpenCalls = 100;

const config = ownConfig<ClientConfig>();
const ended: CallRecord[] = [];
const open = new Set<Promise<void>>();

// Connect's PING timeout can emit an 'error' event that nobody hears. The run goes on, and says how often it happened.
let crashes = 0;
process.on("uncaughtException", () => crashes++);

const client = config.transport === "glink" ? glinkClient() : otherClient(demoGrpcTransport(config));
process.once("message", (message: ToClient) => {
  if (message.type === "begin") begin();
});
await tellParent<FromClient>({ type: "ready" });

/** What differs between the two: only glink can tell about its pool, and only glink has something to close. */
interface DemoClient {
  readonly transport: Transport;
  poolReport(): Pick<ClientReport, "pool" | "retries">;
  close(): Promise<void>;
}

function glinkClient(): DemoClient {
  const transport = demoGlinkTransport(config);
  let retries = 0;
  transport.subscribe((event) => {
    if (event.type === "attempt-failed" && event.retryDelayMs !== undefined) retries++;
  });
  return {
    transport,
    poolReport: () => ({
      pool: Object.fromEntries(transport.snapshot().subchannels.map(({ address, state }) => [address, state])),
      retries,
    }),
    close: () => transport.close(),
  };
}

function otherClient(transport: Transport): DemoClient {
  return { transport, poolReport: () => ({ pool: {}, retries: 0 }), close: async () => undefined };
}

function begin(): void {
  const echo = createClient(EchoService, client.transport);
  const startedMs = performance.now();
  let started = 0;
  const load = setInterval(() => {
    const due = ((performance.now() - startedMs) * config.callsPerSecond) / 1_000;
    // What this process itself slept through is left out: a burst would be another load than the steady one promised.
    started = Math.max(started, Math.floor(due) - config.callsPerSecond / 10);
    for (; started < due; started++) {
      if (open.size >= maxOpenCalls) continue;
      const call = measure(() => echo.unary({ text: "hello" })).finally(() => open.delete(call));
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

async function measure(call: () => Promise<{ served?: { backend: string } | undefined }>): Promise<void> {
  const startedMs = performance.now();
  let backend: string | undefined;
  let error: string | undefined;
  try {
    backend = (await call()).served?.backend;
  } catch (reason) {
    error = ConnectError.from(reason).message;
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
