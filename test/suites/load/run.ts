import { glinkTransport } from "../../../src/index.ts";
import { chosenEngines, type EngineName } from "../../support/engines.ts";
import { heapInUseMb } from "../../support/heap.ts";
import { TestProcesses } from "../../support/processes.ts";
import { Programs } from "../../support/programs.ts";
import { type RealPeer, realPeers } from "../../support/real-peers.ts";
import { InteropServices } from "../interop/messages.ts";
import { echoCalls } from "./echo-calls.ts";
import { runExtremes } from "./extremes.ts";
import { interopCalls } from "./interop-calls.ts";
import { type LoadCalls, makeCall } from "./mix.ts";

/*
 * npm run load [-- --calls N] [--engine node|wire|both] [--peer NAME,NAME] [--extremes]
 * Calls of every kind to real servers, N each (100 000), while their connections are replaced: by age, by nginx's own
 * limit, and by a reload of the proxies in the middle. None may fail, and none may run twice where the server counts.
 * Default: the wire engine and all peers. --extremes: in the place of all that, the largest numbers of calls, streams and
 * aborts; --calls is how many come in sequence (50 000).
 */

/** Calls open at a time. */
const concurrency = 32;
/** nginx ends a connection after so many: well above what is open at once, or calls are refused several times in a row. */
const nginxRequests = 2_000;
/** The client replaces a connection of this age itself. */
const maxConnectionAgeMs = 3_000;
/** Before the heap is measured for the first time, everything that is made once has been made. */
const warmUpCalls = 500;
/** What the heap may grow by. Caches and compiled code are a few MB, one leaked object for each of 100 000 calls is 10. */
const maxGrowthMb = 4;

/** Peers that cannot bear a call that is cancelled, and why: they get no deadlines that pass. */
const withoutDeadlines: Readonly<Record<string, string>> = {
  haproxy:
    "2.6 sends RST_STREAM on stream 0 for a call that ends before it has a stream to the server, which then ends that " +
    "connection with all other calls on it",
};

const extremes = process.argv.includes("--extremes");
const calls = Number(option("calls", extremes ? "50000" : "100000"));
if (!Number.isInteger(calls) || calls < 1) throw new Error(`--calls is "${option("calls", "")}": use a number from 1`);
const services = new InteropServices();

function option(name: string, fallback: string): string {
  const index = process.argv.indexOf(`--${name}`);
  return index === -1 ? fallback : (process.argv[index + 1] ?? fallback);
}

/** Makes the calls from number `first` on, so many at a time. Adds what goes wrong to `errors`. */
async function load(
  make: LoadCalls,
  first: number,
  count: number,
  errors: string[],
  onStart: (index: number) => void = () => undefined,
): Promise<void> {
  let next = first;
  const caller = async () => {
    while (next < first + count) {
      const index = next++;
      onStart(index);
      await makeCall(make, index).catch((error: unknown) => errors.push(`call ${index}: ${error}`));
    }
  };
  await Promise.all(Array.from({ length: concurrency }, caller));
}

/** Makes the calls to one peer, and returns what is wrong with the outcome. */
async function run(engine: EngineName, peer: RealPeer): Promise<string[]> {
  const { port, backend, reload } = await peer.start();
  const transport = glinkTransport({ http2: engine, baseUrl: `http://127.0.0.1:${port}`, maxConnectionAgeMs });
  let connections = 0;
  let repeated = 0;
  const unsubscribe = transport.subscribe((event) => {
    if (event.type === "subchannel-state" && event.to === "ready") connections++;
    // Its successor was there before, and the backend ready all the time.
    if (event.type === "connection-draining" && event.reason === "max-age") connections++;
    if (event.type === "attempt-failed" && event.retryDelayMs !== undefined) repeated++;
  });
  try {
    const made = peer.service === "echo" ? echoCalls(transport) : interopCalls(services.testClient(transport));
    const make = peer.name in withoutDeadlines ? { ...made, deadline: made.unary } : made;
    const errors: string[] = [];
    await load(make, 0, warmUpCalls, errors);
    const heapBefore = await heapInUseMb();
    const begunMs = performance.now();
    // In the middle, and not between two calls.
    const middle = warmUpCalls + Math.floor(calls / 2);
    const onStart = (index: number) => {
      if (index === middle) reload?.();
    };
    await load(make, warmUpCalls, calls, errors, onStart);
    const seconds = (performance.now() - begunMs) / 1_000;
    const heapAfter = await heapInUseMb();
    const twice = backend && Object.keys((await backend.counters()).repeated).length;
    console.log(
      `load, ${engine} engine, ${peer.version}: ${calls} calls, ${errors.length} failed, ` +
        `${twice === undefined ? "" : `${twice} executed twice, `}${connections} connections, ` +
        `${repeated} attempts repeated, ${seconds.toFixed(1)} s, ${(calls / seconds).toFixed(0)} calls/s, ` +
        `heap ${heapBefore} → ${heapAfter} MB` +
        (peer.name in withoutDeadlines ? ` (no deadlines: ${withoutDeadlines[peer.name]})` : ""),
    );
    const wrong = errors.slice(0, 5);
    if (twice !== undefined && twice > 0) wrong.push(`${twice} calls were executed twice`);
    if (heapAfter - heapBefore > maxGrowthMb) wrong.push(`the heap grew by more than ${maxGrowthMb} MB`);
    return wrong;
  } finally {
    unsubscribe();
    await transport.close({ timeoutMs: 0 });
  }
}

let passed = 0;
let failed = 0;
for (const engine of chosenEngines("wire")) {
  const programs = new Programs();
  const processes = new TestProcesses();
  const peers = realPeers(programs, processes, nginxRequests);
  try {
    if (extremes) {
      const wrong = await runExtremes(engine, processes, calls);
      for (const line of wrong) console.log(`  FAILED ${engine} engine, ${line}`);
      if (wrong.length === 0) passed++;
      else failed++;
      continue;
    }
    for (const peer of wantedPeers(peers)) {
      const reason = peer.unavailable();
      if (reason !== undefined) {
        console.log(`load, ${peer.version}: skipped, ${reason}`);
        continue;
      }
      const wrong = await run(engine, peer);
      for (const line of wrong) console.log(`  FAILED ${engine} engine, ${peer.version}: ${line}`);
      if (wrong.length === 0) passed++;
      else failed++;
    }
  } finally {
    await processes.close();
    await programs.close();
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

function wantedPeers(peers: readonly RealPeer[]): RealPeer[] {
  const known = peers.map(({ name }) => name);
  const wanted = option("peer", known.join(",")).split(",");
  const unknown = wanted.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new Error(`--peer "${unknown}" is unknown: use ${known.join(", ")}`);
  return peers.filter(({ name }) => wanted.includes(name));
}
