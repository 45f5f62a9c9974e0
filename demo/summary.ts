import { type Cell, ClientTable } from "./client-table.ts";
import { failedCell } from "./live-view.ts";
import { type ClientName, clientNames } from "./messages.ts";
import type { Paint } from "./paint.ts";
import type { CallStatistics } from "./statistics.ts";
import type { PastPhase } from "./timeline.ts";

export type Statistics = Readonly<Record<ClientName, CallStatistics>>;

/** Errors of one client that are worth a line. */
const errorsMax = 3;

/** The whole run, phase by phase, one client beside the other. */
export function summaryLines(
  past: readonly PastPhase[],
  statistics: Statistics,
  width: number,
  paint: Paint,
): string[] {
  const table = new ClientTable(width, paint);
  const rows = (label: string, phases: readonly PastPhase[], cellOf: (phase: PastPhase, name: ClientName) => Cell) => [
    table.heading(label),
    ...phases.map((phase) => table.row(`  ${phase.phase.title}`, (name) => cellOf(phase, name))),
  ];
  const row = (label: string, textOf: (statistics: CallStatistics) => string) =>
    table.row(label, (name) => ({ text: textOf(statistics[name]) }));
  const withNewBackends = past.slice(1).filter(({ added }) => added.length > 0);
  return [
    table.heading("the whole run"),
    row("  calls", ({ calls }) => String(calls)),
    row("  median time", (one) => `${one.percentileMs(0.5).toFixed(1)} ms`),
    row("  99 % within", (one) => `${Math.ceil(one.percentileMs(0.99))} ms`),
    row("  uncaught errors", ({ crashes }) => String(crashes)),
    "",
    ...rows("new ones used after", withNewBackends, (phase, name) => arrivalCell(phase, statistics[name])),
    "",
    ...rows("backends in use", past, (phase, name) => usedCell(phase, statistics[name])),
    "",
    ...rows("failed calls", past, ({ period }, name) => failedCell(statistics[name], period)),
  ];
}

/** The most frequent errors of each client, wrapped to `width`. */
export function errorLines(statistics: Statistics, width: number): string[] {
  return clientNames.flatMap((name) =>
    statistics[name].errors
      .slice(0, errorsMax)
      .flatMap(([message, count]) => wrap(`${name}, ${count} ×: ${message}`, width)),
  );
}

/** A paragraph in lines of at most `width`, all but the first a little to the right. Words are not cut. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/)) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = `  ${word}`;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

/** How many backends answered once the phase had settled. */
function usedCell({ backends, settled }: PastPhase, statistics: CallStatistics): Cell {
  const answers = statistics.answersIn(settled);
  const used = backends.filter(({ address }) => answers.has(address)).length;
  return { text: `${used} of ${backends.length}` };
}

/** Time from DNS's first mention of the new backends to their first answers: the slowest one's. */
function arrivalCell({ added }: PastPhase, statistics: CallStatistics): Cell {
  const times = added.map(({ address, listedAtMs }) => statistics.firstAnswerAfter(listedAtMs, address));
  const slowestMs = Math.max(...times.map((time) => time ?? Number.POSITIVE_INFINITY));
  return { text: Number.isFinite(slowestMs) ? `${(slowestMs / 1_000).toFixed(1)} s` : "never" };
}
