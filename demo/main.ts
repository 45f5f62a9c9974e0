/**
 * The main job of glink on real processes: `npm run demo`. Backends come, die, freeze and go, while three clients call
 * them steadily through one DNS name: glink, Connect's createGrpcTransport, and grpc-js. Exits with 0 only if glink kept
 * its promises. `--short` runs a shorter timeline; with `--resolver file` glink has its backends from a file instead of DNS.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { fakeDns } from "../src/testing/index.ts";
import { Clients } from "./clients.ts";
import { displayOn } from "./display.ts";
import { byPortLine, finePrint, firstLine, noFreezeLine } from "./fine-print.ts";
import { type Backend, Fleet, freePort } from "./fleet.ts";
import { hasManyLoopbackAddresses } from "./loopback.ts";
import { paintFor } from "./paint.ts";
import { Processes } from "./processes.ts";
import { brokenPromises, failuresMax } from "./promises.ts";
import { hasSignals } from "./signals.ts";
import { errorLines, summaryLines, wrap } from "./summary.ts";
import { fullPace, shortPace, Timeline } from "./timeline.ts";

const serviceName = "echo.demo.test";
const callsPerSecond = 100;
const deadlineMs = 1_000;
const redrawMs = 200;
/** Of the summary, where the output is no terminal, and at most. */
const widths = { default: 80, max: 100 };

const pace = process.argv.includes("--short") ? shortPace : fullPace;
const resolverArgument = process.argv.indexOf("--resolver");
if (resolverArgument !== -1 && process.argv[resolverArgument + 1] !== "file") {
  throw new Error('--resolver knows "file", and DNS is the default');
}
const folder = resolverArgument === -1 ? undefined : mkdtempSync(join(tmpdir(), "glink-demo-"));
const backendFile = folder && join(folder, "backends.json");
const startedMs = performance.now();
const paint = paintFor(process.stdout);
const display = displayOn(process.stdout, paint);
// An exit handler ends the children: it runs on these signals too only if they become an exit.
process.once("SIGINT", () => process.exit(130));
process.once("SIGTERM", () => process.exit(143));

const port = (await hasManyLoopbackAddresses()) ? await freePort() : undefined;
print(paint("bold", firstLine));
if (port === undefined) print(byPortLine);
if (!hasSignals) print(noFreezeLine);
const processes = new Processes(display.output);
const dns = await fakeDns();
try {
  process.exitCode = await run();
} finally {
  display.close();
  await processes.close();
  await dns.close();
  if (folder !== undefined) rmSync(folder, { recursive: true });
}

/** Resolves with the exit code. */
async function run(): Promise<number> {
  const fleet = new Fleet({ processes, dns, serviceName, port, backendFile });
  const { promise: clientFailed, reject } = rejection();
  const { rotationIntervalMs } = pace;
  const clients = new Clients(
    processes,
    { serviceName, port, dnsServer: dns.address, backendFile, rotationIntervalMs, callsPerSecond, deadlineMs },
    reject,
  );
  fleet.list(await Promise.race([fleet.start(pace.small), clientFailed]));
  await Promise.race([clients.begin(), clientFailed]);

  const { statistics } = clients;
  const timeline = new Timeline(fleet, pace, () => busiestOf(fleet.listed, clients));
  const redraw = () => {
    const { phases, past, running } = timeline;
    display.update({
      elapsedMs: performance.now() - startedMs,
      phases,
      past,
      running,
      backends: fleet.backends,
      statistics,
    });
  };
  const drawing = setInterval(redraw, redrawMs);
  try {
    await Promise.race([timeline.run(), clientFailed]);
    await Promise.race([clients.stop(), clientFailed]);
  } finally {
    clearInterval(drawing);
    display.close();
  }
  return conclude(timeline, clients);
}

/** Prints what the run came to. Returns the exit code. */
function conclude({ past }: Timeline, { statistics }: Clients): number {
  const width = Math.min(process.stdout.columns || widths.default, widths.max) - 1;
  const broken = brokenPromises(past, statistics.glink, pace, { callsPerSecond });
  const frozen = past.reduce((sum, phase) => sum + failuresMax(phase, { callsPerSecond }), 0);
  const verdict =
    broken.length === 0
      ? [
          `glink kept its promises: no call failed beside those on the frozen backend (at most ${frozen} could), new ` +
            "backends had calls within one rotation, and shares were even.",
        ]
      : broken.map((line) => `BROKEN PROMISE: ${line}`);
  print(
    "",
    ...finePrint({ pace, callsPerSecond, deadlineMs, byPort: port === undefined })
      .flatMap((paragraph) => wrap(paragraph, width))
      .map((line) => paint("dim", line)),
    "",
    ...errorLines(statistics, width),
    `glink repeated ${statistics.glink.retries} attempts.`,
    "",
    ...summaryLines(past, statistics, width, paint),
    "",
    ...verdict.flatMap((line) => wrap(line, width)).map((line) => paint(broken.length === 0 ? "green" : "red", line)),
    `The demo took ${((performance.now() - startedMs) / 1_000).toFixed(1)} s.`,
    ...(isBusy()
      ? wrap(`This machine was busy (load ${loadavg()[0]?.toFixed(1)}): the figures say little.`, width)
      : []),
  );
  return broken.length === 0 ? 0 : 1;
}

/** Whether others want so much of the processors that a process may wait for seconds. */
function isBusy(): boolean {
  return (loadavg()[0] ?? 0) > 2 * availableParallelism();
}

/** The backend that answered most calls lately, whosever. */
function busiestOf(backends: readonly Backend[], { statistics }: Clients): Backend {
  const period = { fromMs: Date.now() - 2_000, toMs: Date.now() };
  const answers = Object.values(statistics).map((one) => one.answersIn(period));
  const answersOf = ({ address }: Backend) => answers.reduce((sum, one) => sum + (one.get(address) ?? 0), 0);
  return backends.reduce((most, one) => (answersOf(one) > answersOf(most) ? one : most));
}

function print(...lines: string[]): void {
  for (const line of lines) process.stdout.write(`${line}\n`);
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
