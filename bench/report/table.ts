import { type Change, cpuRatio, type Verdict } from "../budgets.ts";
import type { Figures, LoadResult, Pace } from "../rounds.ts";
import type { Spread } from "../statistics.ts";
import type { Machine } from "./machine.ts";

export function headerText(machine: Machine, pace: Pace): string {
  const { processor, cores, memoryGiB, versions, date, command } = machine;
  const listed = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return [
    `${command}`,
    `${date}; ${processor}, ${cores} cores, ${memoryGiB} GiB`,
    listed.join(", "),
    `medians of ${pace.rounds} interleaved rounds of ${pace.windowMs} ms (min-max); CPU is user + system of the client process;`,
    "every client uses two servers in turn, those of Connect's the one they can; ratios are medians of the rounds' ratios",
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
  const floor = figures.get("floor");
  const rows = [...figures].map(([name, one]) => [name as string, ...cells(one, floor)]);
  return `${load.name} (${unit}, concurrency ${load.concurrency}, ${load.addresses} backends)\n${textTable([columns, ...rows])}\n`;
}

function cells(figures: Figures, floor: Figures | undefined): string[] {
  const { cpuMicros, operationsPerSecond, p50Ms, p99Ms, heapBytes, rssMiB, loopDelayP99Ms } = figures;
  return [
    digits(cpuMicros.median),
    `${digits(cpuMicros.min)}-${digits(cpuMicros.max)}`,
    floor === undefined ? "-" : cpuRatio(figures, floor).toFixed(2),
    Math.round(operationsPerSecond.median).toString(),
    digits(p50Ms.median),
    digits(p99Ms.median),
    median(heapBytes, (bytes) => Math.round(bytes).toString()),
    Math.round(rssMiB.median).toString(),
    median(loopDelayP99Ms, digits),
  ];
}

export function verdictTable(verdicts: readonly Verdict[]): string {
  if (verdicts.length === 0) return "no budget was measured by these loads and peers";
  const rows = verdicts.map(({ text, ratio, met }) => [met ? "met" : "MISSED", ratio.toFixed(2), text]);
  return `budgets\n${textTable([["", "ratio", "budget"], ...rows], 2)}`;
}

/** Ratios to an earlier commit: below 1 is less CPU than it took then. */
export function changeTable(commit: string, changes: readonly Change[]): string {
  const rows = changes.map(({ text, ratio }) => [ratio.toFixed(3), text]);
  return `against ${commit}\n${textTable([["ratio", "load"], ...rows], 1)}`;
}

function median(spread: Spread | undefined, format: (value: number) => string): string {
  return spread === undefined ? "-" : format(spread.median);
}

/** Three significant digits, without an exponent. */
function digits(value: number): string {
  if (value >= 100) return Math.round(value).toString();
  return value.toFixed(value >= 10 ? 1 : value >= 1 ? 2 : 3);
}

/** Columns from `firstRight` on are aligned to the right, but for the last where only some are. */
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
