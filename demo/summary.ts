import { type TransportName, transportNames } from "./messages.ts";
import type { CallStatistics } from "./statistics.ts";
import { columns } from "./table.ts";
import { arrivalLimitMs, type Pace, type PastPhase } from "./timeline.ts";

type Statistics = Readonly<Record<TransportName, CallStatistics>>;

/** A share may differ from an even one by this part of it. */
const shareTolerance = 0.2;

/** Phase by phase: failed calls, and who answered once the phase had settled. */
export function phaseTable(phases: readonly PastPhase[], statistics: Statistics): string[] {
  const rows = phases.map(({ title, period, settled, backends }) => [
    title,
    ...transportNames.flatMap((name) => [
      String(statistics[name].failedIn(period)),
      backends.map(({ address }) => percent(statistics[name].shareIn(settled, address))).join(" "),
    ]),
  ]);
  const heading = transportNames.flatMap((name) => [`${name} failed`, "share per backend"]);
  return columns([["phase", ...heading], ...rows]);
}

/** The whole run, one transport beside the other. */
export function runTable(phases: readonly PastPhase[], statistics: Statistics): string[] {
  const row = (title: string, value: (statistics: CallStatistics) => string) => [
    title,
    ...transportNames.map((name) => value(statistics[name])),
  ];
  return columns([
    ["", ...transportNames],
    row("calls", ({ calls }) => String(calls)),
    row("failed", ({ failed }) => String(failed)),
    row("uncaught exceptions", ({ crashes }) => String(crashes)),
    row("p50", (one) => `${one.percentileMs(0.5).toFixed(1)} ms`),
    row("p99", (one) => `${one.percentileMs(0.99).toFixed(1)} ms`),
    ...phases
      .slice(1)
      .filter(({ added }) => added.length > 0)
      .map((phase) => row(`new backends got traffic (${phase.title.split(":")[0]})`, (one) => arrival(phase, one))),
    row("share per backend at the end", (one) => {
      const last = phases.at(-1) as PastPhase;
      return last.backends.map(({ address }) => percent(one.shareIn(last.settled, address))).join(" ");
    }),
  ]);
}

/** The most frequent errors of each transport. */
export function errorLines(statistics: Statistics): string[] {
  return transportNames.flatMap((name) =>
    statistics[name].errors.slice(0, 5).map(([message, count]) => `${name}: ${count} × ${message}`),
  );
}

/** What glink promised and did not keep. */
export function brokenPromises(phases: readonly PastPhase[], glink: CallStatistics, pace: Pace): string[] {
  const broken: string[] = [];
  const check = (kept: boolean, promise: string, instead: string) => {
    if (!kept) broken.push(`${promise}: ${instead}`);
  };
  check(glink.calls > 0 && glink.failed === 0, "no call fails", `${glink.failed} of ${glink.calls} failed`);
  check(glink.crashes === 0, "no exception is uncaught", `${glink.crashes} were`);
  const limitMs = arrivalLimitMs(pace);
  // In the first phase all connections are still being made.
  for (const { title, added, backends, settled } of phases.slice(1)) {
    for (const { address, listedAtMs } of added) {
      const arrivalMs = glink.firstAnswerAfter(listedAtMs, address);
      check(
        arrivalMs !== undefined && arrivalMs <= limitMs,
        `"${title}": a new backend gets traffic within ${limitMs} ms`,
        `${address} got it after ${arrivalMs ?? "all"} ms`,
      );
    }
    for (const { address } of backends) {
      const share = glink.shareIn(settled, address);
      check(
        Math.abs(share * backends.length - 1) <= shareTolerance,
        `"${title}": each of ${backends.length} backends has an even share in the end`,
        `${address} has ${percent(share)}`,
      );
    }
  }
  return broken;
}

/** Time from DNS's first mention of the new backends to their first answers: the slowest one's. */
function arrival({ added }: PastPhase, statistics: CallStatistics): string {
  const times = added.map(({ address, listedAtMs }) => statistics.firstAnswerAfter(listedAtMs, address));
  const reached = times.filter((time) => time !== undefined);
  const slowest = reached.length === 0 ? "never" : `${(Math.max(...reached) / 1_000).toFixed(1)} s`;
  return reached.length === times.length ? slowest : `${slowest} (${reached.length} of ${times.length} backends)`;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
