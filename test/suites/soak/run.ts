import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { hasManyLoopbackAddresses } from "../../../demo/loopback.ts";
import { messageOf, Processes } from "../../../demo/processes.ts";
import { fakeDns } from "../../../src/testing/index.ts";
import { type EngineName, engineNames } from "../../support/engines.ts";
import { whole } from "../chaos/arguments.ts";
import type { ChaosBackend } from "../chaos/backends.ts";
import { Gate } from "../chaos/gate.ts";
import { Hosts } from "../chaos/hosts.ts";
import type { ClientConfig, FromClient, Sample } from "./messages.ts";
import { growthOf } from "./trend.ts";

/*
 * npm run soak -- --minutes N [--engine wire|node] [--rate CALLS_PER_SECOND]
 * Calls of every kind, 300 a second, while a backend goes or comes every 2 s, DNS follows, and connections are replaced. No
 * call may be lost; and heap, RSS, handles, listeners and p99 have to be flat: of what was sampled after the first quarter, the
 * line of the median slope may rise by no more than its limit. What something else does to the machine for a while does not count.
 */

const backendCount = 6;
const churnMs = 2_000;
const samples = 40;
/** What is made once has been made after this share of the time: compiled code, caches, a heap of its final size. */
const warmUpShare = 0.25;

/** What each figure may grow by, from the first to the last point of its line: the larger of a share and so much. */
const limits = {
  heapMb: { share: 0.05, least: 1 },
  rssMb: { share: 0.1, least: 10 },
  handles: { share: 0.1, least: 4 },
  listeners: { share: 0.05, least: 2 },
  p99Ms: { share: 0.5, least: 60 },
} as const;

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "30" },
    engine: { type: "string", default: "wire" },
    rate: { type: "string", default: "300" },
  },
});
const minutes = whole("--minutes", values.minutes, 1, 10_000);
const perSecond = whole("--rate", values.rate, 1, 10_000);
const engine = engineNames.find((name) => name === values.engine);
if (engine === undefined) throw new Error(`--engine must be wire or node, not "${values.engine}"`);
if (!(await hasManyLoopbackAddresses())) {
  console.log("soak: skipped, this machine has one loopback address, and DNS names backends by theirs");
} else {
  process.exitCode = (await soak(engine)) ? 0 : 1;
}

async function soak(engine: EngineName): Promise<boolean> {
  const hosts = new Hosts();
  const processes = new Processes();
  const dns = await fakeDns();
  const backends: ChaosBackend[] = [];
  const gates: Gate[] = [];
  try {
    for (let id = 0; id < backendCount; id++) {
      const library = id % 2 === 0 ? "connect-node" : "grpc-js";
      const backend = await hosts.serve(library, { type: "serve", id, tls: false });
      backends.push(backend);
      gates.push(await Gate.open(`127.84.0.${id + 2}`, gates[0]?.port ?? 0, () => backend.port));
    }
    const list = (named: readonly Gate[]) =>
      dns.set("echo.test", { addresses: named.map(({ host }) => host), ttlSeconds: 1 });
    list(gates);
    const config: ClientConfig = {
      port: gates[0]?.port ?? 0,
      dnsServer: dns.address,
      engine,
      perSecond,
      sampleMs: (minutes * 60_000) / samples,
    };
    const child = processes.start(new URL("client.ts", import.meta.url), config);
    const taken: Sample[] = [];
    child.on("message", (message: FromClient) => {
      if (message.type !== "sample") return;
      taken.push(message);
      console.log(describe(message));
    });
    await messageOf<FromClient, "ready">(child, "ready");
    const endMs = performance.now() + minutes * 60_000 + 2_000;
    for (let turn = 0; performance.now() < endMs && child.exitCode === null; turn++) {
      await sleep(churnMs);
      // In turn a server is replaced, a backend leaves the list, and it comes back.
      const index = turn % backendCount;
      if (turn % 3 === 0) await backends[index]?.drain?.();
      else list(turn % 3 === 1 ? gates.filter((_, other) => other !== index) : gates);
    }
    return judge(taken, child.exitCode);
  } finally {
    await processes.close();
    for (const gate of gates) gate.close();
    await dns.close();
    await hosts.close();
  }
}

function describe({
  atMs,
  calls,
  lost,
  skipped,
  p99Ms,
  loopLateMs,
  heapMb,
  rssMb,
  handles,
  listeners,
  retries,
  connections,
}: Sample) {
  return (
    `soak: ${(atMs / 60_000).toFixed(1)} min, ${calls} calls, ${lost} lost, ${skipped} not made, p99 ${p99Ms.toFixed(0)} ms, ` +
    `event loop ${loopLateMs.toFixed(0)} ms late, heap ${heapMb} MB, RSS ${rssMb.toFixed(0)} MB, ${handles} handles, ${listeners} listeners, ${retries} retries, ` +
    `${connections} connections`
  );
}

function judge(taken: readonly Sample[], exitCode: number | null): boolean {
  const last = taken.at(-1);
  if (exitCode !== null || last === undefined) {
    console.log(`soak: FAILED, the client ended with ${exitCode}`);
    return false;
  }
  const settled = taken.slice(Math.floor(taken.length * warmUpShare));
  let isFlat = true;
  // A machine that gets busier makes calls slower: client and server, each with a turn for the call and one for the answer.
  const machine = growthOf(settled.map(({ loopLateMs }) => loopLateMs));
  const slowerMs = 4 * Math.max(0, machine.to - machine.from);
  for (const [name, { share, least }] of Object.entries(limits)) {
    const { from, to } = growthOf(settled.map((sample) => sample[name as keyof typeof limits]));
    const grew = to - from;
    const allowed = Math.max(from * share, least) + (name === "p99Ms" ? slowerMs : 0);
    if (grew > allowed) isFlat = false;
    const verdict = grew > allowed ? `FAILED, ${allowed.toFixed(1)} are allowed` : "flat";
    console.log(
      `soak: ${name}, by the median slope of ${settled.length} samples: from ${from.toFixed(1)} to ${to.toFixed(1)}: ${verdict}`,
    );
  }
  const { calls, lost, firstLost } = last;
  console.log(
    `soak: ${calls} calls in ${minutes} min, ${lost} lost${firstLost === undefined ? "" : `, first: ${firstLost}`}`,
  );
  return isFlat && lost === 0;
}
