import { churns, type ScaleRow } from "../programs.ts";
import { notMeasured, table } from "./markdown-table.ts";
import { digits } from "./numbers.ts";
import type { Result } from "./result.ts";

// What documents say of processes and not of calls.

/** Each client with so many backends. */
export function scaleTable({ scale }: Result): string {
  const rows = scale
    .filter(({ backends }) => backends !== undefined)
    .map((row) => [
      `${row.peer}${row.tls ? ", TLS" : ""}`,
      `${row.backends}`,
      ...[row.firstCallMs, row.allReadyMs, row.connectCpuMs].map(milliseconds),
      row.bytesPerBackend === undefined || row.backends === 1 ? "" : digits(row.bytesPerBackend / 1_024),
      (["connect", ...churns] as const).map((phase) => milliseconds(row[`${phase}TurnCpuMs`]) || "–").join(", "),
      milliseconds(row.calmP99Ms),
      ([...churns, "control"] as const).map((phase) => milliseconds(row[`${phase}P99OfCalm`]) || "–").join(", "),
    ]);
  if (rows.length === 0) return notMeasured;
  const columns = ["first call, ms", "all connected, ms", "CPU until then, ms", "KiB each", "longest turns, ms of CPU"];
  return table([["client", "backends", ...columns, "p99, ms", "and of that"], ...rows]);
}

/** Processes of so many idle transports. */
export function targetsTable({ scale }: Result): string {
  const rows = scale
    .filter(({ targets }) => targets !== undefined)
    // They end in any order, for they are watched at the same time.
    .sort((a, b) => (a.targets ?? 0) - (b.targets ?? 0) || Number(a.named ?? false) - Number(b.named ?? false))
    .map(({ targets, named, wakeUpsPerSecond, cpuMsPerSecond, bytesPerTarget }) => [
      `${targets}${named === true ? ", by name" : ""}`,
      ...[wakeUpsPerSecond, cpuMsPerSecond].map(milliseconds),
      bytesPerTarget === undefined ? "" : digits(bytesPerTarget / 1_024),
    ]);
  if (rows.length === 0) return notMeasured;
  return table([["idle targets", "wake-ups a second", "ms of CPU a second", "KiB each"], ...rows]);
}

/** What each step of loading takes. */
export function loadingTable({ loading }: Result): string {
  if (loading === undefined) return notMeasured;
  const rows = Object.entries(loading.steps).flatMap(([build, steps]) =>
    Object.entries(steps).map(([step, { wallMs, cpuMs }]) => [
      `\`${build}\``,
      step,
      ...[wallMs.median, wallMs.min, cpuMs.median, cpuMs.min].map(digits),
    ]),
  );
  const columns = ["ms, median", "least", "ms of CPU, median", "least"];
  return `${table([["", "loaded", ...columns], ...rows])}\n\n\`import\` of glink loads ${Math.round(loading.bytesAtOnce / 1_000)} kB of its text at once.`;
}

function milliseconds(value: ScaleRow["firstCallMs"]): string {
  return value === undefined ? "" : digits(value);
}
