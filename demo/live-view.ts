import { type Cell, ClientTable } from "./client-table.ts";
import type { Backend } from "./fleet.ts";
import { type ClientName, clientNames } from "./messages.ts";
import type { Paint, Style } from "./paint.ts";
import type { CallStatistics, Period } from "./statistics.ts";
import type { PastPhase, Phase, RunningPhase } from "./timeline.ts";

/** What the demo shows while it runs. */
export interface View {
  readonly elapsedMs: number;
  readonly phases: readonly Phase[];
  readonly past: readonly PastPhase[];
  readonly running: RunningPhase | undefined;
  readonly backends: readonly Backend[];
  readonly statistics: Readonly<Record<ClientName, CallStatistics>>;
}

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** Rates are those of the last second that all clients have surely reported. */
const rateWindowMs = 1_000;
const reportLagMs = 300;
/** What is out of order stands out. */
const stateStyles: Partial<Record<Backend["state"], Style>> = { killed: "red", frozen: "red", ending: "dim" };
/** The figure behind a bar, with a space before it. */
const figureWidth = 5;
const narrowestBar = 3;

/**
 * The whole screen: which backends answer whom, and what failed so far in which phase. Not higher than `size`, and not
 * wider where that has 60 columns.
 */
export function liveLines(view: View, { columns, rows }: Size, paint: Paint): string[] {
  // The last column stays free: some terminals wrap as soon as it is written.
  const table = new ClientTable(columns - 1, paint);
  const { running, phases } = view;
  const number = running === undefined ? phases.length : phases.indexOf(running.phase) + 1;
  const lines = [
    paint("bold", `glink demo, ${seconds(view.elapsedMs)}, phase ${number} of ${phases.length}`),
    running === undefined ? "the last open calls end" : running.phase.story,
    "",
    table.heading("calls/s on"),
    ...backendLines(view, table),
    "",
    table.label("failed calls", "bold").trimEnd(),
    ...phases.map((phase) => phaseLine(view, phase, table)),
  ];
  return lines.slice(0, rows - 1);
}

/** One line that says the same, for logs. */
export function plainLine(view: View): string {
  const clients = clientNames.map((name) => {
    const rates = ratesOf(view, name);
    const answering = view.backends.filter(({ address }) => rates.has(address));
    const shares = answering.map(({ address }) => rates.get(address)).join("+") || "no answers";
    return `${name} ${shares}, ${view.statistics[name].failed} failed`;
  });
  return `${seconds(view.elapsedMs).padStart(8)}  ${clients.join("; ")}`;
}

function backendLines(view: View, table: ClientTable): string[] {
  const rates = Object.fromEntries(clientNames.map((name) => [name, ratesOf(view, name)]));
  const busiest = Math.max(1, ...Object.values(rates).flatMap((one) => [...one.values()]));
  return view.backends
    .filter(({ state }) => state !== "ended")
    .map(({ address, label, state }) => {
      const cellOf = (name: ClientName): Cell => {
        const rate = rates[name]?.get(address) ?? 0;
        if (rate > 0) return { text: bar(rate, busiest, table.cellWidth) };
        // glink says why it does not use a backend that has no connection.
        const inPool = name === "glink" ? view.statistics.glink.pool[address] : undefined;
        return { text: inPool === undefined || inPool === "ready" ? "-" : inPool, style: "dim" };
      };
      return table.row(`${label.padEnd(11)}${state}`, cellOf, stateStyles[state]);
    });
}

function phaseLine({ past, running, statistics }: View, phase: Phase, table: ClientTable): string {
  const isRunning = running?.phase === phase;
  const period = isRunning
    ? { fromMs: running.fromMs, toMs: Number.POSITIVE_INFINITY }
    : past.find((one) => one.phase === phase)?.period;
  const title = `${isRunning ? "▸" : " "} ${phase.title}`;
  if (period === undefined) return table.label(title, "dim").trimEnd();
  return table.row(title, (name) => failedCell(statistics[name], period), isRunning ? "bold" : undefined);
}

/** How many calls failed in a period. */
export function failedCell(statistics: CallStatistics, period: Period): Cell {
  const failed = statistics.failedIn(period);
  return { text: String(failed), style: failed === 0 ? "dim" : "red" };
}

function ratesOf(view: View, name: ClientName): ReadonlyMap<string, number> {
  const toMs = Date.now() - reportLagMs;
  return view.statistics[name].answersIn({ fromMs: toMs - rateWindowMs, toMs });
}

function bar(rate: number, busiest: number, width: number): string {
  const barWidth = width - figureWidth;
  if (barWidth < narrowestBar) return String(rate);
  const filled = Math.max(1, Math.round((rate / busiest) * barWidth));
  return `${"█".repeat(filled).padEnd(barWidth)}${String(rate).padStart(figureWidth)}`;
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
