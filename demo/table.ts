import type { Backend } from "./fleet.ts";
import { transportNames } from "./messages.ts";
import type { CallStatistics } from "./statistics.ts";

/** What the demo shows while it runs. */
export interface View {
  readonly elapsedMs: number;
  readonly phase: string;
  readonly backends: readonly Backend[];
  readonly glink: CallStatistics;
  readonly createGrpcTransport: CallStatistics;
}

const barWidth = 20;
/** Rates are those of the last second that both clients have surely reported. */
const rateWindowMs = 1_000;
const reportLagMs = 300;
const plainIntervalMs = 1_000;

/**
 * Shows the run: on a terminal a table that is drawn again in place, elsewhere a line per second. Lines printed in
 * between stay above the table.
 */
export class LiveTable {
  readonly #isTerminal = process.stdout.isTTY === true;
  #drawnLines = 0;
  #plainDueMs = 0;

  /** Prints lines that stay. */
  print(...lines: string[]): void {
    this.clear();
    for (const line of lines) process.stdout.write(`${line}\n`);
  }

  /** Draws the table anew, or prints a line if one is due. */
  update(view: View): void {
    if (this.#isTerminal) {
      const lines = tableLines(view);
      this.clear();
      process.stdout.write(`${lines.join("\n")}\n`);
      this.#drawnLines = lines.length;
    } else if (view.elapsedMs >= this.#plainDueMs) {
      this.#plainDueMs = view.elapsedMs + plainIntervalMs;
      process.stdout.write(`${plainLine(view)}\n`);
    }
  }

  /** Takes the table away. */
  clear(): void {
    if (this.#drawnLines === 0) return;
    process.stdout.write(`\x1b[${this.#drawnLines}A\x1b[J`);
    this.#drawnLines = 0;
  }
}

function tableLines(view: View): string[] {
  const [glink, other] = ratesOf(view);
  const backends = view.backends.filter(({ state }) => state !== "ended");
  const busiest = Math.max(1, ...glink.values(), ...other.values());
  return [
    `${seconds(view.elapsedMs)}  ${view.phase}`,
    `${pad("address", 18)}${pad("server", 14)}${pad("process", 10)}${pad("in glink's pool", 19)}` +
      `${pad("glink calls/s", barWidth + 7)}createGrpcTransport calls/s`,
    ...backends.map(
      ({ address, library, state }) =>
        `${pad(address, 18)}${pad(library, 14)}${pad(state, 10)}${pad(view.glink.pool[address] ?? "-", 19)}` +
        `${bar(glink.get(address), busiest)}  ${bar(other.get(address), busiest)}`,
    ),
    `failed so far: glink ${view.glink.failed} of ${view.glink.calls} (${view.glink.retries} attempts repeated), ` +
      `createGrpcTransport ${view.createGrpcTransport.failed} of ${view.createGrpcTransport.calls}`,
  ];
}

function plainLine(view: View): string {
  const [glink, other] = ratesOf(view);
  const shares = (rates: ReadonlyMap<string, number>) =>
    [...rates]
      .sort()
      .map(([address, rate]) => `${address.split(":")[0]} ${rate}/s`)
      .join(", ") || "no answers";
  const { failed } = view.createGrpcTransport;
  return (
    `${seconds(view.elapsedMs)}  glink [${shares(glink)}] ${view.glink.failed} failed   ` +
    `createGrpcTransport [${shares(other)}] ${failed} failed`
  );
}

function ratesOf(view: View): [ReadonlyMap<string, number>, ReadonlyMap<string, number>] {
  const toMs = Date.now() - reportLagMs;
  const period = { fromMs: toMs - rateWindowMs, toMs };
  const [glink, other] = transportNames.map((name) => view[name].answersIn(period));
  return [glink ?? new Map(), other ?? new Map()];
}

function bar(rate = 0, busiest: number): string {
  return `${"█".repeat(Math.round((rate / busiest) * barWidth)).padEnd(barWidth)} ${String(rate).padStart(4)}`;
}

/** Rows of cells as aligned columns; the first row is the heading. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  lines.splice(1, 0, widths.map((width) => "─".repeat(width)).join("  "));
  return lines;
}

function pad(text: string, width: number): string {
  return text.padEnd(width);
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1).padStart(5)} s`;
}
