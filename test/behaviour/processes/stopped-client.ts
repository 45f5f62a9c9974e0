// A client that is stopped as a whole, and goes on. It calls all the time, notices the gap, and tells what became of it.
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { ownConfig, tellParent } from "../../../demo/processes.ts";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { glinkTransport, noAttributes, type Resolver, watchList } from "../../../src/index.ts";

/** What the client is told. */
export interface StoppedClientConfig {
  readonly addresses: readonly string[];
  readonly pingIntervalMs: number;
  readonly rotationIntervalMs: number;
}

/** What it says: that it calls, and once it was stopped and has gone on for a while, how that was. */
export type FromStoppedClient =
  | { readonly type: "calling" }
  | {
      readonly type: "report";
      /** How long it ran since it was ready, less the time that it was stopped. */
      readonly ranMs: number;
      /** Calls that were begun before and after the stop, by how they ended. */
      readonly before: Readonly<Record<string, number>>;
      readonly after: Readonly<Record<string, number>>;
      readonly lookups: number;
      readonly failedDials: number;
      /** The most on one connection. */
      readonly pings: number;
    };

const { addresses, pingIntervalMs, rotationIntervalMs } = ownConfig<StoppedClientConfig>();
const endpoints = addresses.map((text) => {
  const [host = "", port] = text.split(":");
  return { addresses: [{ host, port: Number(port) }], attributes: noAttributes };
});
let lookups = 0;
const resolver: Resolver = {
  name: "counting",
  watch: (_, listener, runtime) =>
    watchList(
      {
        run: async (run) => {
          lookups++;
          run.report({ endpoints });
          return { againMs: Number.POSITIVE_INFINITY };
        },
      },
      listener,
      runtime,
    ),
};
const transport = glinkTransport({
  baseUrl: "http://echo.test",
  resolver,
  rotationIntervalMs,
  pingIntervalMs,
  pingTimeoutMs: 1_000,
  idleConnectionTimeoutMs: Number.POSITIVE_INFINITY,
});
let failedDials = 0;
let pings = 0;
transport.subscribe(({ type }) => {
  if (type === "connect-failed") failedDials++;
});
const client = createClient(EchoService, transport);
const ends = { before: new Map<string, number>(), after: new Map<string, number>() };
let open = 0;

async function call(when: keyof typeof ends): Promise<void> {
  open++;
  const end = await client.unary({}, { timeoutMs: 10_000 }).then(
    () => "OK",
    (error: unknown) => Code[ConnectError.from(error).code] as string,
  );
  open--;
  ends[when].set(end, (ends[when].get(end) ?? 0) + 1);
}

while (transport.snapshot().subchannels.filter(({ state }) => state === "ready").length < addresses.length)
  await call("before");
const startedMs = performance.now();
lookups = 0;
failedDials = 0;
let stoppedMs = 0;
let lastMs = startedMs;
let callsAfter = 0;
let isAnnounced = false;
const timer = setInterval(() => {
  const nowMs = performance.now();
  // More than any pause of a machine that is only slow.
  if (nowMs - lastMs > 2 * pingIntervalMs) stoppedMs += nowMs - lastMs;
  lastMs = nowMs;
  for (const { connections } of transport.snapshot().subchannels) {
    for (const { pingsSent } of connections) pings = Math.max(pings, pingsSent);
  }
  if (stoppedMs > 0) callsAfter++;
  if (callsAfter > 60) clearInterval(timer);
  else void call(stoppedMs > 0 ? "after" : "before");
  if (!isAnnounced) void tellParent<FromStoppedClient>({ type: "calling" });
  isAnnounced = true;
}, 20);
while (callsAfter <= 60 || open > 0) await new Promise((resolve) => setTimeout(resolve, 20));
await tellParent<FromStoppedClient>({
  type: "report",
  ranMs: performance.now() - startedMs - stoppedMs,
  before: Object.fromEntries(ends.before),
  after: Object.fromEntries(ends.after),
  lookups,
  failedDials,
  pings,
});
await transport.close();
process.disconnect();
