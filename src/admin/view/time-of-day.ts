import { el, type Markup } from "./markup.ts";

/** The time of day in UTC, with the date for those who ask. */
export function timeOfDay(atMs: number): Markup {
  const iso = new Date(atMs).toISOString();
  return el("time", { datetime: iso, title: iso }, iso.slice(11, 19));
}
