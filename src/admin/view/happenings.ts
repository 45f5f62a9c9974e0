import type { GlinkEvent } from "../../index.ts";
import { eventWords } from "../history/event-words.ts";
import { el, type Markup } from "./markup.ts";
import type { TargetReading } from "./target-reading.ts";
import { timeOfDay } from "./time-of-day.ts";

/** Lines that are shown. */
const maxLines = 30;

/** How the list of backends came about, the newest first. */
export function lookupList({ history }: TargetReading): Markup {
  return eventList("Lookups and addresses", history.lookups.items);
}

/** What happened to backends and connections, the newest first. */
export function happeningList({ history }: TargetReading): Markup {
  return eventList("Events", history.happenings.items);
}

function eventList(title: string, events: readonly GlinkEvent[]): Markup {
  const items = events.slice(-maxLines).reverse().map(eventLine);
  return el(
    "div",
    {},
    el("h3", {}, title),
    items.length === 0
      ? el("p", { class: "none" }, "Nothing since this page exists.")
      : el("ol", { class: "events" }, items),
  );
}

function eventLine(event: GlinkEvent): Markup {
  const address = "address" in event ? event.address : undefined;
  const where = address === undefined ? undefined : [el("code", {}, address), " "];
  return el("li", {}, timeOfDay(event.at), el("span", {}, where, eventWords(event)));
}
