import type { DrainingSnapshot, RetireReason } from "../../index.ts";
import { count, duration } from "../texts.ts";
import { el, type Markup } from "./markup.ts";
import { table } from "./table.ts";
import type { TargetReading } from "./target-reading.ts";

const reasons: Readonly<Record<RetireReason, string>> = {
  removed: "its backend is no longer named",
  "max-age": "it grew old",
  goaway: "the server said GOAWAY",
  replaced: "another one took its place",
  closing: "the transport is closing",
};

/** Connections that end after their open calls. */
export function drainingTable({ snapshot }: TargetReading): Markup {
  const { draining, takenAtMs } = snapshot;
  if (draining.length === 0) return el("p", { class: "none" }, "No connection is draining.");
  return table<DrainingSnapshot>({
    caption: "Draining connections",
    columns: [
      { name: "Backend", isHeading: true, cell: ({ backend }) => el("code", {}, backend) },
      { name: "Why", cell: ({ reason }) => reasons[reason] },
      { name: "Open", isFigure: true, cell: ({ openCalls }) => count(openCalls) },
      { name: "Draining for", cell: ({ sinceMs }) => duration(takenAtMs - sinceMs) },
    ],
    rows: draining,
    key: ({ id }) => String(id),
  });
}
