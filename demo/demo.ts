import { availableParallelism, loadavg } from "node:os";
import { fakeDns } from "../src/testing/index.ts";
import { Clients } from "./clients.ts";
import { type Display, displayOn } from "./display.ts";
import { byPortLine, finePrint, firstLine, noFreezeLine } from "./fine-print.ts";
import { type Backend, Fleet, freePort } from "./fleet.ts";
import { DnsListing, type Listing } from "./listing.ts";
import { hasManyLoopbackAddresses } from "./loopback.ts";
import type { ResolverConfig } from "./messages.ts";
import { paintFor } from "./paint.ts";
import { Processes } from "./processes.ts";
import { arrivalPromiseMs, brokenPromises, failuresMax } from "./promises.ts";
import { hasSignals } from "./signals.ts";
import { errorLines, summaryLines, wrap } from "./summary.ts";
import { type Pace, Timeline } from "./timeline.ts";

const callsPerSecond = 100;
const deadlineMs = 1_000;
const redrawMs = 200;
/** Of the summary, where the output is no terminal, and at most. */
const widths = { default: 80, max: 100 };

/** What differs from one form of the demo to the other. */
export interface DemoOptions {
  readonly pace: Pace;
  /** What DNS calls the backends. */
  readonly serviceName: string;
  /** What their addresses begin with, where they have one each. */
  readonly network: string;
  /** Of every backend, if the network is for the demo alone. Default: a free one, where they have an address each. */
  readonly port?: number;
  /** How glink finds the backends. */
  readonly resolver: ResolverConfig;
  /** Who is told of the backends, beside DNS. */
  readonly listings: readonly Listing[];
}

/** What the demo consists of while it runs. */
interface Cast extends DemoOptions {
  readonly startedMs: number;
  readonly display: Display;
  readonly fleet: Fleet;
  readonly clients: Clients;
  readonly clientFailed: Promise<never>;
}

const paint = paintFor(process.stdout);

/** Runs it, and prints what it came to. Resolves with the exit code: 0 only if glink kept its promises. */
export async function runDemo(options: DemoOptions): Promise<number> {
  const { pace, serviceName, network, resolver, listings } = options;
  const startedMs = performance.now();
  const display = displayOn(process.stdout, paint);
  // An exit handler ends the children: it runs on these signals too only if they become an exit.
  process.once("SIGINT", () => process.exit(130));
  process.once("SIGTERM", () => process.exit(143));

  const port = options.port ?? ((await hasManyLoopbackAddresses()) ? await freePort() : undefined);
  print(paint("bold", firstLine));
  if (port === undefined) print(byPortLine);
  if (!hasSignals) print(noFreezeLine);
  const processes = new Processes(display.output);
  const dns = await fakeDns();
  try {
    const all = [new DnsListing(dns, serviceName), ...listings];
    const fleet = new Fleet({ processes, listings: all, port, network });
    const { promise: clientFailed, reject } = rejection();
    const { rotationIntervalMs } = pace;
    const clients = new Clients(
      processes,
      { serviceName, port, dnsServer: dns.address, resolver, rotationIntervalMs, callsPerSecond, deadlineMs },
      reject,
    );
    const timeline = await run({ ...options, startedMs, display, fleet, clients, clientFailed });
    return conclude(timeline, clients, { ...options, startedMs, byPort: port === undefined });
  } finally {
    display.close();
    await processes.close();
    await dns.close();
  }
}

async function run({ pace, startedMs, display, fleet, clients, clientFailed }: Cast): Promise<Timeline> {
  await Promise.race([fleet.start(pace.small).then((first) => fleet.list(first)), clientFailed]);
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
  return timeline;
}

/** Prints what the run came to. Returns the exit code. */
function conclude(
  { past }: Timeline,
  { statistics }: Clients,
  { pace, resolver, startedMs, byPort }: DemoOptions & { readonly startedMs: number; readonly byPort: boolean },
): number {
  const width = Math.min(process.stdout.columns || widths.default, widths.max) - 1;
  const arrivalMs = arrivalPromiseMs(resolver, pace);
  const broken = brokenPromises(past, statistics.glink, { callsPerSecond, arrivalMs });
  const frozen = past.reduce((sum, phase) => sum + failuresMax(phase, { callsPerSecond }), 0);
  const verdict =
    broken.length === 0
      ? [
          `glink kept its promises: no call failed beside those on the frozen backend (at most ${frozen} could), new ` +
            `backends had calls within ${arrivalMs} ms, and shares were even.`,
        ]
      : broken.map((line) => `BROKEN PROMISE: ${line}`);
  print(
    "",
    ...finePrint({ pace, callsPerSecond, deadlineMs, byPort, resolver: resolver.type })
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
