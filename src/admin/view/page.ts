import { count, duration, plural, rate } from "../texts.ts";
import { backendsTable } from "./backends.ts";
import { drainingTable } from "./draining.ts";
import { failuresTable } from "./failures.ts";
import { happeningList, lookupList } from "./happenings.ts";
import { el, type Markup, toHtml } from "./markup.ts";
import { sharesDrawing } from "./shares.ts";
import { badge, readyCount, stateBadge, targetHealth } from "./states.ts";
import { type Column, table } from "./table.ts";
import { type TargetReading, targetRates } from "./target-reading.ts";
import { targetFacts, targetFigures } from "./target-summary.ts";
import { timeOfDay } from "./time-of-day.ts";

/** The parts of a page, by the ids that they have in it: what a live page replaces. */
export type Parts = readonly (readonly [id: string, part: Markup])[];

export function partsOf(readings: readonly TargetReading[]): Parts {
  return [part("overview", overview(readings)), ...readings.flatMap(targetParts)];
}

function part(id: string, ...content: Markup[]): readonly [string, Markup] {
  return [id, el("div", { id }, content)];
}

function overview(readings: readonly TargetReading[]): Markup {
  const takenAtMs = readings[0]?.snapshot.takenAtMs;
  return el(
    "div",
    {},
    el("p", { role: "status", class: "verdict" }, verdict(readings)),
    takenAtMs === undefined ? undefined : el("p", { class: "taken" }, "as of ", timeOfDay(takenAtMs), " UTC"),
    readings.length > 1 ? overviewTable(readings) : undefined,
  );
}

/** One sentence, which is read aloud when it changes. */
function verdict(readings: readonly TargetReading[]): string {
  if (readings.length === 0) return "There is no transport to show.";
  const troubled = readings.filter(({ snapshot }) => targetHealth(snapshot) === "bad");
  if (troubled.length === 0) return "Nothing is wrong that glink knows of.";
  return troubled
    .slice(0, 3)
    .map(({ snapshot }) => `${snapshot.target}: ${readyText(snapshot)}`)
    .concat(troubled.length > 3 ? [`and ${plural(troubled.length - 3, "other target")}`] : [])
    .join("; ");
}

function readyText(snapshot: TargetReading["snapshot"]): string {
  return `${readyCount(snapshot)} of ${plural(snapshot.subchannels.length, "backend")} ready`;
}

const overviewColumns: readonly Column<TargetReading>[] = [
  {
    name: "Target",
    isHeading: true,
    cell: ({ snapshot: { id, target } }) => el("a", { href: `#target-${id}` }, target),
  },
  { name: "State", cell: ({ snapshot }) => stateBadge(snapshot.state) },
  { name: "Backends ready", cell: ({ snapshot }) => badge(targetHealth(snapshot), readyText(snapshot)) },
  { name: "Calls/s", isFigure: true, cell: (reading) => rate(targetRates(reading).started) },
  { name: "Failed/s", isFigure: true, cell: (reading) => rate(targetRates(reading).failed) },
  { name: "Waiting", isFigure: true, cell: ({ snapshot }) => count(snapshot.queuedCalls) },
  {
    name: "Addresses as of",
    cell: ({ snapshot: { resolution, takenAtMs } }) =>
      resolution.lastSuccessAtMs === undefined ? "never" : `${duration(takenAtMs - resolution.lastSuccessAtMs)} ago`,
  },
];

function overviewTable(readings: readonly TargetReading[]): Markup {
  const key = ({ snapshot }: TargetReading) => String(snapshot.id);
  return table({ caption: "Targets", columns: overviewColumns, rows: readings, key });
}

/** Parts of their own: what does not change from one update to the next is not sent. */
function targetParts(reading: TargetReading): Parts {
  const { snapshot } = reading;
  const id = `t${snapshot.id}`;
  const heading = el(
    "header",
    {},
    el("h2", { id: `target-${snapshot.id}` }, snapshot.target),
    stateBadge(snapshot.state),
    badge(targetHealth(snapshot), readyText(snapshot)),
  );
  const { lastError } = snapshot;
  const trouble = lastError === undefined ? [] : [el("p", { class: "trouble" }, lastError.message)];
  return [
    part(`${id}-head`, heading, ...trouble, targetFigures(reading), targetFacts(reading)),
    part(`${id}-shares`, sharesDrawing(reading)),
    part(`${id}-backends`, backendsTable(reading)),
    part(`${id}-draining`, drainingTable(reading)),
    part(`${id}-failures`, failuresTable(reading)),
    part(`${id}-lookups`, lookupList(reading)),
    part(`${id}-events`, happeningList(reading)),
  ];
}

/** The whole page, for browsers with and without scripts. */
export function pageHtml(readings: readonly TargetReading[]): string {
  const [first, ...others] = partsOf(readings);
  const sections = readings.map(({ snapshot }) => {
    const own = others.filter(([id]) => id.startsWith(`t${snapshot.id}-`)).map(([, markup]) => markup);
    return el("section", { class: "target", "aria-labelledby": `target-${snapshot.id}` }, own);
  });
  const page = el(
    "html",
    { lang: "en" },
    el(
      "head",
      {},
      el("meta", { charset: "utf-8" }),
      el("meta", { name: "viewport", content: "width=device-width, initial-scale=1" }),
      el("meta", { name: "color-scheme", content: "light dark" }),
      el("title", {}, "glink"),
      el("link", { rel: "stylesheet", href: "style.css" }),
      el("link", { rel: "icon", href: "data:," }),
      el("script", { src: "script.js", defer: "" }),
    ),
    el(
      "body",
      {},
      el(
        "header",
        { class: "top" },
        el("h1", {}, "glink"),
        el("span", { id: "live" }, "Without JavaScript: reload for news."),
        el("button", { id: "pause", type: "button", hidden: "" }, "Pause"),
        el("a", { href: "snapshot.json" }, "snapshot.json"),
      ),
      el("main", {}, first?.[1], sections),
    ),
  );
  return `<!doctype html>\n${toHtml(page)}\n`;
}
