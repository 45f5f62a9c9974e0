import { once } from "node:events";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { createClient } from "@connectrpc/connect";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { type GlinkTransportOptions, glinkTransport, staticResolver } from "../../../src/index.ts";
import { chosenEngines, type EngineName } from "../../support/engines.ts";
import { hasGo } from "../../support/go-tools.ts";
import { freePort, Programs } from "../../support/programs.ts";
import { agingServerVersion, buildAgingServer } from "./aging-server.ts";
import { steadily } from "./steady.ts";

/*
 * node --import tsx test/suites/aging/run.ts [--engine node|wire|both]
 * Calls to grpc-go servers that end their connections: by age, when idle, and for too many PINGs. None may fail, and
 * none may run twice. And calls that hang beside quiet streams, which must not draw too many PINGs at all. Default: the
 * wire engine.
 */

interface Scenario {
  readonly servers: number;
  /** Flags of the server. */
  readonly flags: readonly string[];
  readonly options?: Partial<GlinkTransportOptions>;
  /** Calls in a row at 300/s, and the pause after them. */
  readonly burst?: { readonly calls: number; readonly pauseMs: number };
  /** Fewer connections, and the servers did not do what the scenario is about; more, and the client is a nuisance. */
  readonly connections: { readonly min: number; readonly max?: number };
}

const calls = 2_000;
const perSecond = 300;

const aging = ["-age", "200ms", "-grace", "5s", "-idle", "1s"];
const scenarios: Record<string, Scenario> = {
  "MaxConnectionAge 200 ms, one server": { servers: 1, flags: aging, connections: { min: 20 } },
  "MaxConnectionAge 200 ms, three servers": { servers: 3, flags: aging, connections: { min: 60 } },
  "MaxConnectionIdle 1 s, calls that begin as it ends": {
    servers: 1,
    flags: ["-idle", "1s"],
    burst: { calls: 200, pauseMs: 1_000 },
    connections: { min: 2 },
  },
  "PINGs every 50 ms where one in five minutes is allowed": {
    servers: 1,
    flags: [],
    options: { pingIntervalMs: 50, pingIdleConnection: true },
    burst: { calls: 200, pauseMs: 800 },
    // Each GOAWAY doubles the interval (gRFC A8), and above 300 ms a pause has too few PINGs for another.
    connections: { min: 3, max: 5 },
  },
};

/** What a server says when it ends. */
interface Counts {
  readonly connections: number;
  /** How often each call ran, by its text. */
  readonly executions: Readonly<Record<string, number>>;
}

/** Runs a scenario and returns what is wrong with its outcome. */
async function run(engine: EngineName, server: string, name: string, scenario: Scenario): Promise<string[]> {
  const programs = new Programs();
  const addresses: string[] = [];
  const stops: (() => Promise<Counts>)[] = [];
  for (let index = 0; index < scenario.servers; index++) {
    const port = await freePort();
    const address = `127.0.0.1:${port}`;
    const child = await programs.start(server, ["-address", address, ...scenario.flags], port);
    addresses.push(address);
    stops.push(async () => {
      const output = text(child.stdout as Readable);
      child.kill("SIGTERM");
      await once(child, "close");
      return JSON.parse(await output) as Counts;
    });
  }
  const transport = glinkTransport({
    http2: engine,
    baseUrl: "http://aging.test",
    resolver: staticResolver(addresses),
    ...scenario.options,
  });
  let retries = 0;
  const unsubscribe = transport.subscribe((event) => {
    if (event.type === "attempt-failed" && event.retryDelayMs !== undefined) retries++;
  });
  try {
    const client = createClient(EchoService, transport);
    const { calls: burst, pauseMs } = scenario.burst ?? { calls, pauseMs: 0 };
    const errors: unknown[] = [];
    const begunMs = performance.now();
    for (let done = 0; done < calls; done += burst) {
      errors.push(
        ...(await steadily(burst, perSecond, (index) =>
          client.unary({ text: `call ${done + index}` }, { timeoutMs: 10_000 }),
        )),
      );
      await sleep(pauseMs);
    }
    const seconds = ((performance.now() - begunMs) / 1_000).toFixed(1);
    const counts = await Promise.all(stops.map((stop) => stop()));
    const connections = counts.reduce((sum, one) => sum + one.connections, 0);
    const executions = new Map<string, number>();
    for (const one of counts) {
      for (const [call, times] of Object.entries(one.executions))
        executions.set(call, (executions.get(call) ?? 0) + times);
    }
    const repeated = [...executions].filter(([, times]) => times > 1).map(([call]) => call);
    console.log(
      `aging, ${engine} engine, grpc-go ${agingServerVersion}, ${name}: ${calls} calls, ${errors.length} failed, ${repeated.length} executed twice, ` +
        `${connections} connections, ${retries} attempts repeated, ${seconds} s`,
    );
    const wrong = [...errors.map(String), ...repeated.map((call) => `${call} was executed twice`)].slice(0, 5);
    const { min, max = Number.POSITIVE_INFINITY } = scenario.connections;
    if (connections < min || connections > max) wrong.push(`${connections} connections, not ${min} to ${max}`);
    return wrong;
  } finally {
    unsubscribe();
    await transport.close({ timeoutMs: 0 });
    await programs.close();
  }
}

const quietStreams = 5;
const hungCalls = 50;
const hungPerSecond = 5;

/** Calls whose handlers hang, beside streams that say nothing, to a server with its defaults. Returns what is wrong. */
async function runHung(engine: EngineName, server: string): Promise<string[]> {
  const programs = new Programs();
  const port = await freePort();
  const address = `127.0.0.1:${port}`;
  await programs.start(server, ["-address", address], port);
  const transport = glinkTransport({
    http2: engine,
    baseUrl: "http://aging.test",
    resolver: staticResolver([address]),
  });
  const wrong: string[] = [];
  let pings = 0;
  transport.subscribe((event) => {
    if (event.type === "goaway") wrong.push(`GOAWAY ${event.http2Code}: ${event.debug}`);
    if (event.type === "subchannel-suspect") pings++;
  });
  const abort = new AbortController();
  try {
    const client = createClient(EchoService, transport);
    const streams = Array.from({ length: quietStreams }, async () => {
      for await (const _ of client.serverStream({}, { signal: abort.signal }));
    }).map((stream) =>
      stream.catch((error: unknown) => {
        if (!abort.signal.aborted) wrong.push(`a stream ended: ${error}`);
      }),
    );
    await steadily(hungCalls, hungPerSecond, () => client.unary({ text: "hang" }, { timeoutMs: 1_000 }));
    if (pings === 0) wrong.push("no call that hung drew a PING");
    console.log(
      `aging, ${engine} engine, grpc-go ${agingServerVersion}, hung calls beside quiet streams: ${hungCalls} calls, ` +
        `${pings} PINGs, ${wrong.length} GOAWAYs and lost streams`,
    );
    abort.abort();
    await Promise.all(streams);
    return wrong;
  } finally {
    abort.abort();
    await transport.close({ timeoutMs: 0 });
    await programs.close();
  }
}

const engines = chosenEngines("wire");
if (!hasGo()) {
  console.log("aging: skipped, Go is not installed");
  process.exit(0);
}
const server = buildAgingServer();
let passed = 0;
let failed = 0;
for (const [name, scenario] of Object.entries(scenarios)) {
  for (const engine of engines) {
    const wrong = await run(engine, server, name, scenario);
    for (const line of wrong) console.log(`  FAILED ${engine} engine, ${name}: ${line}`);
    if (wrong.length === 0) passed++;
    else failed++;
  }
}
for (const engine of engines) {
  const wrong = await runHung(engine, server);
  for (const line of wrong) console.log(`  FAILED ${engine} engine, hung calls beside quiet streams: ${line}`);
  if (wrong.length === 0) passed++;
  else failed++;
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
