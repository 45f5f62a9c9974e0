import type { Look, Output } from "../output.ts";
import { age, cell, plural } from "../texts.ts";
import type { BackendView, PoolView } from "./pool-view.ts";
import type { Rates } from "./rates.ts";

/** What a frame shows. */
export interface Picture {
  readonly title: string;
  /** Undefined: nothing has come yet. */
  readonly pools: readonly PoolView[] | undefined;
  readonly rates: Rates;
  /** Why they are not up to date. */
  readonly trouble: string | undefined;
}

interface Column {
  readonly name: string;
  readonly columns: number;
  readonly isFigure: boolean;
  readonly text: (backend: BackendView, perSecond: number | undefined, nowMs: number) => string;
}

/** Beside the address, which has the rest of the line. */
const columns: readonly Column[] = [
  { name: "STATE", columns: 11, isFigure: false, text: stateOf },
  { name: "FOR", columns: 6, isFigure: true, text: ({ stateSinceMs }, _, nowMs) => age(nowMs - stateSinceMs) },
  { name: "OPEN", columns: 5, isFigure: true, text: ({ openCalls }) => String(openCalls) },
  { name: "CALLS/S", columns: 8, isFigure: true, text: (_, perSecond) => rateText(perSecond) },
  { name: "FAILED", columns: 7, isFigure: true, text: ({ callsFailed }) => String(callsFailed) },
];

const besideAddress = columns.reduce((sum, one) => sum + one.columns, 0) + 1;

/** The lines of a frame: none is wider than the terminal, and together they are no higher. */
export function frame(picture: Picture, output: Output): string[] {
  const { title, pools, trouble } = picture;
  const lines = [output.paint("bold", cell(title, output.columns).trimEnd())];
  if (trouble !== undefined) lines.push(output.paint("red", cell(trouble, output.columns).trimEnd()));
  if (pools === undefined) lines.push("waiting for the first answer …");
  else if (pools.length === 0) lines.push("there are no transports");
  const mostLines = Math.floor((output.rows - 1 - lines.length) / Math.max(1, pools?.length ?? 0));
  for (const [i, pool] of (pools ?? []).entries()) {
    const perSecond = (address: string) => picture.rates.of(i, address);
    lines.push(...poolLines(pool, { mostLines, perSecond }, output));
  }
  return lines.slice(0, output.rows - 1);
}

/** A pool's part of a frame. */
interface Part {
  readonly mostLines: number;
  /** How many calls a backend gets; undefined: not known yet. */
  readonly perSecond: (address: string) => number | undefined;
}

function poolLines(pool: PoolView, { mostLines, perSecond }: Part, output: Output): string[] {
  const { target, state, backends, openCalls, queuedCalls, draining, loadBalancing, error } = pool;
  const paint = (look: Look, text: string) => output.paint(look, cell(text, output.columns).trimEnd());
  const facts = [
    plural(backends.length, "backend"),
    loadBalancing,
    `${openCalls} open`,
    ...(queuedCalls > 0 ? [`${queuedCalls} queued`] : []),
    ...(draining > 0 ? [`${draining} draining`] : []),
  ];
  const lines = [
    "",
    paint(lookOf(state), `${target}  ${words.get(state) ?? state}`),
    paint("dim", facts.join(", ")),
    ...(error === undefined ? [] : [paint("red", error)]),
    paint("dim", `${cell("ADDRESS", output.columns - besideAddress)} ${columns.map(heading).join("")}`),
  ];
  const room = mostLines - lines.length;
  const shown = backends.length <= room ? backends : worstFirst(backends).slice(0, Math.max(0, room - 1));
  for (const backend of shown) {
    lines.push(backendLine(backend, perSecond(backend.address), pool.takenAtMs, output));
  }
  if (shown.length < backends.length) lines.push(paint("dim", `… and ${backends.length - shown.length} more`));
  return withErrors(lines, shown, mostLines, output);
}

/** Why the backends that fail do so, in what room is left. */
function withErrors(lines: string[], shown: readonly BackendView[], mostLines: number, output: Output): string[] {
  for (const { address, error } of shown) {
    if (error === undefined || lines.length >= mostLines) continue;
    const text = error.includes(address) ? error : `${address}: ${error}`;
    lines.push(output.paint("red", cell(text, output.columns).trimEnd()));
  }
  return lines;
}

function heading({ name, columns: width, isFigure }: Column): string {
  return cell(name, width, isFigure);
}

function backendLine(backend: BackendView, perSecond: number | undefined, nowMs: number, output: Output): string {
  const address = cell(backend.address, output.columns - besideAddress);
  const cells = columns.map(({ columns: width, isFigure, text }) =>
    cell(text(backend, perSecond, nowMs), width, isFigure),
  );
  const [state = "", ...figures] = cells;
  return `${address} ${output.paint(lookOf(backend.state, backend.availability), state)}${figures.join("")}`;
}

/** A map, because a state is what another process says, and objects have more names than their own. */
const words: ReadonlyMap<string, string> = new Map([["transient-failure", "failing"]]);

function stateOf({ state, availability }: BackendView): string {
  if (state === "ready" && availability !== "usable" && availability !== "") return availability;
  return words.get(state) ?? state;
}

function lookOf(state: string, availability = "usable"): Look {
  if (state === "ready") return availability === "usable" || availability === "" ? "green" : "yellow";
  return state === "transient-failure" ? "red" : "yellow";
}

function worstFirst(backends: readonly BackendView[]): readonly BackendView[] {
  const rank = ({ state, availability }: BackendView) =>
    state === "transient-failure" ? 0 : state !== "ready" ? 2 : availability === "usable" ? 3 : 1;
  return [...backends].sort((one, other) => rank(one) - rank(other));
}

function rateText(perSecond: number | undefined): string {
  if (perSecond === undefined) return "–";
  return perSecond === 0 || perSecond >= 10 ? String(Math.round(perSecond)) : perSecond.toFixed(1);
}
