import { medianOf } from "../statistics.ts";
import type { ScaleReport } from "./task.ts";

/** Of which peer, how many backends or idle targets, and what was measured: medians over processes. */
export interface Row {
  readonly subject: Readonly<Record<string, string | number | boolean>>;
  readonly report: ScaleReport;
}

/** Of each figure, the median of all reports; and the p99 of each phase as a multiple of that of the calm ones. */
export function mediansOf(reports: readonly ScaleReport[]): ScaleReport {
  const report: Record<string, number> = {};
  for (const name of Object.keys(reports[0] ?? {})) report[name] = medianOf(reports.map((one) => one[name] as number));
  const calmMs = medianOf([report.calmP99Ms, report.calmAgainP99Ms].filter((ms) => ms !== undefined));
  for (const phase of [...churns, "control"]) {
    const ms = report[`${phase}P99Ms`];
    if (ms !== undefined) report[`${phase}P99OfCalm`] = ms / calmMs;
  }
  return report;
}

const churns = ["sameAnswer", "halfLeave", "rotation"] as const;

/** A small table for people: the rest is in the JSON. */
export function scaleTable(rows: readonly Row[]): string {
  const columns: Column[] = [
    ["backends", ({ subject }) => String(subject.backends)],
    ["peer", ({ subject }) => `${subject.peer}${subject.tls === true ? ", TLS" : ""}`],
    ["first call, ms", ({ report }) => number(report.firstCallMs, 0)],
    ["all ready, ms", ({ report }) => number(report.allReadyMs, 0)],
    ["CPU until then, ms", ({ report }) => number(report.connectCpuMs, 0)],
    ["bytes a backend", ({ report }) => number(report.bytesPerBackend, 0)],
    ["longest turn: connect", ({ report }) => turn(report, "connect")],
    ["same answer", ({ report }) => turn(report, "sameAnswer")],
    ["half leave and return", ({ report }) => turn(report, "halfLeave")],
    ["all replaced", ({ report }) => turn(report, "rotation")],
    ["close", ({ report }) => turn(report, "close")],
    ["calm p50, p99", ({ report }) => `${number(report.calmP50Ms, 2)}, ${number(report.calmP99Ms, 1)}`],
    ...[...churns, "control"].map(
      (phase): Column => [`${phase}: p99 of calm's`, ({ report }) => number(report[`${phase}P99OfCalm`], 2)],
    ),
  ];
  return tableOf(columns, rows);
}

export function idleTable(rows: readonly Row[]): string {
  return tableOf(
    [
      ["idle targets", ({ subject }) => `${subject.targets}${subject.named === true ? ", by name" : ", by address"}`],
      ["wake-ups a second", ({ report }) => number(report.wakeUpsPerSecond, 2)],
      ["CPU, ms a second", ({ report }) => number(report.cpuMsPerSecond, 2)],
      ["bytes a target", ({ report }) => number(report.bytesPerTarget, 0)],
    ],
    rows,
  );
}

type Column = readonly [title: string, cell: (row: Row) => string];

function tableOf(columns: readonly Column[], rows: readonly Row[]): string {
  if (rows.length === 0) return "";
  const shown = columns.filter(([, cell]) => rows.some((row) => /\d|[a-z]/.test(cell(row))));
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const titles = shown.map(([title]) => title);
  const body = rows.map((row) => line(shown.map(([, cell]) => cell(row))));
  return [line(titles), line(titles.map(() => "---")), ...body].join("\n");
}

/** CPU of the longest turn, and what of it was the collector's. */
function turn(report: ScaleReport, phase: string): string {
  const cpuMs = report[`${phase}TurnCpuMs`];
  return cpuMs === undefined ? "" : `${number(cpuMs, 1)} (${number(report[`${phase}TurnGcMs`], 1)})`;
}

function number(value: number | undefined, digits: number): string {
  return value === undefined ? "" : value.toFixed(digits);
}
