import type { Verdict } from "../budgets/budget.ts";
import type { Change } from "../changes.ts";
import { cpuRatio, type Figures, type LoadResult } from "../figures.ts";
import type { Latency } from "../latency.ts";
import type { Pace } from "../rounds.ts";
import type { Spread } from "../statistics.ts";
import type { Machine } from "./machine.ts";
import { digits } from "./numbers.ts";

export function headerText(machine: Machine, pace: Pace): string {
  const { processor, cores, memoryGiB, loadAverage, versions, date, commit, command } = machine;
  const listed = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return [
    `${command}`,
    `${date}; ${processor}, ${cores} cores, ${memoryGiB} GiB, load ${loadAverage.toFixed(2)}; commit ${commit}`,
    listed.join(", "),
    `medians of ${pace.processes} client processes (min-max; ${pace.otherProcesses} of those that no budget compares), each of ${pace.rounds} interleaved rounds of ${pace.windowMs} ms; CPU is`,
    "user + system of the client process; every client uses two servers in turn, those of Connect's the one they can; ratios",
    "are of processes that ran at the same time",
    "",
  ].join("\n");
}

const columns = [
  "client",
  "CPU µs",
  "(min-max)",
  "x floor",
  "per s",
  "p50 ms",
  "p99 ms",
  "heap B",
  "RSS MiB",
  "loop p99 ms",
];

/** One load as text: a line for each client, per call or, for streams, per message. */
export function loadTable({ load, figures }: LoadResult): string {
  const unit = load.messages === 1 ? "per call" : `per message, streams of ${load.messages}`;
  const { floor } = figures;
  const rows = Object.entries(figures).flatMap(([name, one]) =>
    one === undefined ? [] : [[name, ...cells(one, floor)]],
  );
  return `${load.name} (${unit}, concurrency ${load.concurrency}, ${load.addresses} backends)\n${textTable([columns, ...rows])}`;
}

function cells(figures: Figures, floor: Figures | undefined): string[] {
  const { cpuMicros, operationsPerSecond, p50Ms, p99Ms, heapBytes, rssMiB, loopDelayP99Ms } = figures;
  return [
    digits(cpuMicros.median),
    `${digits(cpuMicros.min)}-${digits(cpuMicros.max)}`,
    floor === undefined ? "-" : cpuRatio(figures, floor).median.toFixed(2),
    Math.round(operationsPerSecond.median).toString(),
    digits(p50Ms.median),
    digits(p99Ms.median),
    median(heapBytes, (bytes) => Math.round(bytes).toString()),
    Math.round(rssMiB.median).toString(),
    median(loopDelayP99Ms, digits),
  ];
}

/** What calls take that are due at random times: a line for each client and share of what it makes at the most. */
export function latencyTable(latencies: readonly Latency[]): string {
  const rows = latencies.flatMap(({ peer, saturationPerSecond, atShares }) =>
    atShares.map(({ share, p50Ms, p99Ms, p999Ms }) => [
      peer,
      `${100 * share} %`,
      Math.round(share * saturationPerSecond.median).toString(),
      ...[p50Ms, p99Ms, p999Ms].map(({ median }) => digits(median)),
    ]),
  );
  return `latency (ms, small unary calls that are due at random times)\n${textTable([latencyColumns, ...rows])}`;
}

const latencyColumns = ["client", "of most", "per s", "p50", "p99", "p99.9"];

export function verdictTable(verdicts: readonly Verdict[]): string {
  if (verdicts.length === 0) return "no budget was measured by these loads and peers";
  const rows = verdicts.map(({ subject, wanted, measured, met }) => [
    met ? "met" : "MISSED",
    measured,
    `${subject}: ${wanted}`,
  ]);
  return `budgets\n${textTable([["", "measured", "wanted"], ...rows], 1)}`;
}

/** Ratios to an earlier commit: below 1 is less CPU than it took then. */
export function changeTable(commit: string, changes: readonly Change[]): string {
  const rows = changes.map(({ text, ratio }) => [ratio.toFixed(3), text]);
  return `against ${commit}\n${textTable([["ratio", "load"], ...rows], 1)}`;
}

function median(spread: Spread | undefined, format: (value: number) => string): string {
  return spread === undefined ? "-" : format(spread.median);
}

/** The first column, and those from `leftFrom` on, are aligned to the left. */
function textTable(rows: readonly (readonly string[])[], leftFrom = Number.POSITIVE_INFINITY): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return column === 0 || column >= leftFrom ? cell.padEnd(width) : cell.padStart(width);
      })
      .join("  ")
      .trimEnd();
  return rows.map((row) => `  ${line(row)}`).join("\n");
}
