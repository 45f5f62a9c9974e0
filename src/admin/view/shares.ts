import { type Sample, windowMs } from "../history/samples.ts";
import { slotCount } from "../history/slots.ts";
import { duration, percent } from "../texts.ts";
import { el, type Markup } from "./markup.ts";
import { attemptsBetween, type TargetReading } from "./target-reading.ts";

/** A column of the drawing stands for so long, where samples are as dense. */
const columnMs = 5_000;

/** The drawing spans the time that is remembered: this at least, and the window at most. */
const minSpanMs = 60_000;

const width = 600;
const height = 96;

/** What was called between two samples, in parts of the drawing's width and height. */
interface Column {
  readonly fromX: number;
  readonly toX: number;
  /** By colour; those without one share the last place. */
  readonly parts: readonly number[];
}

/** The share of each backend in the calls of the last minutes, as a drawing, with what it says in words. */
export function sharesDrawing(reading: TargetReading): Markup {
  const samples = thinned(reading);
  const columns = samples.slice(1).map((after, i) => columnOf(samples[i] as Sample, after, reading));
  const paths = [...Array(slotCount + 1).keys()].flatMap((slot) => pathOf(columns, slot));
  const picture = el(
    "svg",
    {
      class: "shares",
      viewBox: `0 0 ${width} ${height}`,
      preserveAspectRatio: "none",
      role: "img",
      "aria-label": inWords(reading),
    },
    paths,
  );
  return el("figure", {}, picture, el("figcaption", {}, captionOf(reading, samples)));
}

/** One sample for each column at most, and the newest. Which ones stay the same from one update to the next. */
function thinned({ history, now }: TargetReading): readonly Sample[] {
  const kept: Sample[] = [];
  for (const sample of history.samples.all) {
    const last = kept.at(-1);
    if (last === undefined || Math.floor(last.atMs / columnMs) !== Math.floor(sample.atMs / columnMs))
      kept.push(sample);
  }
  if (kept.at(-1)?.atMs !== now.atMs) kept.push(now);
  return kept;
}

function spanMs({ history, now }: TargetReading): number {
  const remembered = now.atMs - (history.samples.all[0]?.atMs ?? now.atMs);
  return Math.min(windowMs, Math.max(minSpanMs, remembered));
}

function columnOf(before: Sample, after: Sample, reading: TargetReading): Column {
  const { now, slots } = reading;
  const x = (atMs: number) => Math.max(0, (1 - (now.atMs - atMs) / spanMs(reading)) * width);
  const attempts = Array<number>(slotCount + 1).fill(0);
  for (const address of after.backends.keys()) {
    const slot = slots.get(address) ?? slotCount;
    attempts[slot] = (attempts[slot] ?? 0) + attemptsBetween(before, after, address);
  }
  const all = attempts.reduce((sum, one) => sum + one, 0);
  return { fromX: x(before.atMs), toX: x(after.atMs), parts: attempts.map((one) => (all === 0 ? 0 : one / all)) };
}

/** One path for each colour: a rectangle in each column. */
function pathOf(columns: readonly Column[], slot: number): Markup[] {
  const rectangles = columns
    .filter(({ parts }) => (parts[slot] ?? 0) > 0)
    .map(({ fromX, toX, parts }) => {
      const below = parts.slice(0, slot).reduce((sum, one) => sum + one, 0);
      const [top, bottom] = [1 - below - (parts[slot] as number), 1 - below].map((y) => (y * height).toFixed(1));
      return `M${fromX.toFixed(1)} ${top}H${toX.toFixed(1)}V${bottom}H${fromX.toFixed(1)}Z`;
    });
  if (rectangles.length === 0) return [];
  return [el("path", { class: `slot${slot === slotCount ? "s" : slot}`, d: rectangles.join("") })];
}

function captionOf(reading: TargetReading, samples: readonly Sample[]): string {
  const { now, slots, snapshot } = reading;
  const [first, second] = samples;
  const parts = [`Share of calls per backend in the last ${duration(spanMs(reading))}, now at the right`];
  if (snapshot.subchannels.some(({ address }) => !slots.has(address))) parts.push("grey: all others");
  if (first !== undefined && second !== undefined && second.atMs - first.atMs > 3 * columnMs) {
    parts.push(`nobody looked until ${duration(now.atMs - second.atMs)} ago: before that it is an average`);
  }
  return `${parts.join("; ")}.`;
}

/** For those who do not see it. */
function inWords({ history, now, snapshot }: TargetReading): string {
  const first = history.samples.all[0] ?? now;
  const attempts = snapshot.subchannels.map(({ address }) => ({
    address,
    calls: attemptsBetween(first, now, address),
  }));
  const all = attempts.reduce((sum, { calls }) => sum + calls, 0);
  if (all === 0) return "Share of calls per backend: no calls in this time";
  const shares = attempts.slice(0, slotCount).map(({ address, calls }) => `${address} ${percent(calls, all)}`);
  return `Share of calls per backend in the last ${duration(now.atMs - first.atMs)}: ${shares.join(", ")}`;
}
