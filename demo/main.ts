/**
 * The main job of glink on real processes: `npm run demo`. Backends come, die, freeze and go, while two clients call
 * them steadily through one DNS name: one with glink, one with Connect's createGrpcTransport. Exits with 0 only if
 * glink kept its promises. `--short` runs a shorter timeline.
 */
import { Clients } from "./clients.ts";
import { DnsServer } from "./dns-server.ts";
import { type Backend, Fleet, freePort } from "./fleet.ts";
import { transportNames } from "./messages.ts";
import { Processes } from "./processes.ts";
import { brokenPromises, errorLines, phaseTable, runTable } from "./summary.ts";
import { LiveTable } from "./table.ts";
import { fullPace, runTimeline, shortPace } from "./timeline.ts";

const serviceName = "echo.demo.test";
const callsPerSecond = 100;
const redrawMs = 200;

const pace = process.argv.includes("--short") ? shortPace : fullPace;
const startedMs = performance.now();
const table = new LiveTable();
// An exit handler ends the children: it runs on these signals too only if they become an exit.
process.once("SIGINT", () => process.exit(130));
process.once("SIGTERM", () => process.exit(143));

table.print(
  "glink demo: two clients, each a process with 100 calls/s, on the same backends at the same time.",
  `  glink                dnsResolver on the demo's own DNS server, rotationIntervalMs ${pace.rotationIntervalMs} (default 30 000)`,
  "                       so that the demo is short, and perAttemptTimeoutMs 1 000 because a frozen backend never answers:",
  "                       the attempt is given up and repeated elsewhere, and an unanswered PING ends the connection.",
  "  createGrpcTransport  can be given one host name only. It asks the same DNS server at every dial, tries every",
  "                       address of the answer, and has pingIntervalMs 1 000 to notice a frozen backend.",
  "  Both                 defaultTimeoutMs 4 000, pingTimeoutMs 1 000. Faults hit the busiest backend: it is the one with",
  "                       createGrpcTransport's connection, which would not notice a fault elsewhere. A client with",
  "                       100 open calls starts no more until one ends.",
  "",
);
const processes = new Processes();
const dns = await DnsServer.start();
try {
  process.exitCode = await run();
} finally {
  table.clear();
  await processes.close();
  await dns.close();
}

/** Resolves with the exit code. */
async function run(): Promise<number> {
  const port = await freePort();
  const fleet = new Fleet(processes, dns, serviceName, port);
  const { promise: clientFailed, reject } = rejection();
  const { rotationIntervalMs } = pace;
  const baseUrl = `http://${serviceName}:${port}`;
  const clients = new Clients(
    processes,
    { baseUrl, dnsServer: dns.address, rotationIntervalMs, callsPerSecond },
    reject,
  );
  fleet.list(await Promise.race([fleet.start(pace.small), clientFailed]));
  await Promise.race([clients.begin(), clientFailed]);

  const { statistics } = clients;
  let phase = "";
  const elapsed = () => performance.now() - startedMs;
  const redraw = () => table.update({ elapsedMs: elapsed(), phase, backends: fleet.backends, ...statistics });
  const drawing = setInterval(redraw, redrawMs);
  const busiest = () => {
    const period = { fromMs: Date.now() - 2_000, toMs: Date.now() };
    const answers = transportNames.map((name) => statistics[name].answersIn(period));
    const answersOf = ({ address }: Backend) => answers.reduce((sum, one) => sum + (one.get(address) ?? 0), 0);
    return fleet.listed.reduce((most, one) => (answersOf(one) > answersOf(most) ? one : most));
  };
  try {
    const phases = await Promise.race([
      runTimeline(fleet, pace, busiest, (title) => {
        phase = title;
        table.print(`── ${(elapsed() / 1_000).toFixed(1)} s: ${title}`);
      }),
      clientFailed,
    ]);
    await Promise.race([clients.stop(), clientFailed]);
    clearInterval(drawing);
    const broken = brokenPromises(phases, statistics.glink, pace);
    table.print(
      "",
      ...phaseTable(phases, statistics),
      "",
      ...runTable(phases, statistics),
      "",
      ...errorLines(statistics),
      `glink repeated ${statistics.glink.retries} attempts that a lost or frozen backend left unanswered.`,
      ...(broken.length === 0
        ? ["glink kept its promises: no failed call, new backends within one rotation, even shares."]
        : broken.map((line) => `BROKEN PROMISE: ${line}`)),
      `The demo took ${(elapsed() / 1_000).toFixed(1)} s.`,
    );
    return broken.length === 0 ? 0 : 1;
  } finally {
    clearInterval(drawing);
  }
}

/** A promise that only ever rejects, and whose rejection counts as seen. */
function rejection(): { readonly promise: Promise<never>; readonly reject: (error: Error) => void } {
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<never>((_, rejectPromise) => {
    reject = rejectPromise;
  });
  promise.catch(() => undefined);
  return { promise, reject };
}
