import type { SubchannelSnapshot } from "../../index.ts";
import { count, duration, percent, plural, rate } from "../texts.ts";
import { type Content, el, type Markup } from "./markup.ts";
import { badge, isTroubled, stateBadge } from "./states.ts";
import { type Column, table } from "./table.ts";
import { attemptsBetween, backendRates, type TargetReading } from "./target-reading.ts";

/** More rows than this help nobody; what is not well comes first then. */
const maxRows = 200;

/** The backends of a target, in the resolver's order. */
export function backendsTable(reading: TargetReading): Markup {
  const { subchannels } = reading.snapshot;
  if (subchannels.length === 0)
    return el("p", { class: "none" }, "No backends: nobody has called yet, or no lookup has worked.");
  const rows = subchannels.length <= maxRows ? subchannels : worstFirst(subchannels).slice(0, maxRows);
  const left = subchannels.length - rows.length;
  const caption =
    left === 0 ? "Backends" : `Backends: ${maxRows} of ${count(subchannels.length)}, those in trouble first`;
  const key = ({ id }: SubchannelSnapshot) => String(id);
  return table({ caption, columns: columnsOf(reading), rows, key, look });
}

function worstFirst(subchannels: readonly SubchannelSnapshot[]): readonly SubchannelSnapshot[] {
  return [...subchannels].sort((a, b) => Number(isTroubled(b)) - Number(isTroubled(a)));
}

function look(backend: SubchannelSnapshot): string | undefined {
  return isTroubled(backend) ? "failing" : undefined;
}

function columnsOf(reading: TargetReading): readonly Column<SubchannelSnapshot>[] {
  const { snapshot, now, since } = reading;
  const attempts = (address: string) => attemptsBetween(since, now, address);
  const all = snapshot.subchannels.reduce((sum, { address }) => sum + attempts(address), 0);
  return [
    { name: "Backend", isHeading: true, cell: ({ address }) => el("code", {}, swatch(reading, address), address) },
    {
      name: "State",
      cell: ({ state, stateSinceMs }) => [
        stateBadge(state),
        " ",
        el("small", {}, `for ${duration(snapshot.takenAtMs - stateSinceMs)}`),
      ],
    },
    { name: "Availability", cell: (backend) => availabilityOf(reading, backend) },
    { name: "Share", isFigure: true, cell: ({ address }) => share(attempts(address), all) },
    { name: "Calls/s", isFigure: true, cell: (backend) => rate(backendRates(reading, backend).started) },
    { name: "Failed/s", isFigure: true, cell: (backend) => rate(backendRates(reading, backend).failed) },
    { name: "Open", isFigure: true, cell: ({ openCalls }) => count(openCalls) },
    { name: "Calls", isFigure: true, cell: ({ callsStarted }) => count(callsStarted) },
    { name: "Failed", isFigure: true, cell: ({ callsFailed }) => count(callsFailed) },
    { name: "Connected", isFigure: true, cell: connectedFor },
    { name: "Last error", cell: lastErrorOf },
  ];
}

function swatch({ slots }: TargetReading, address: string): Markup {
  return el("span", { class: `swatch slot${slots.get(address) ?? "s"}`, "aria-hidden": "true" });
}

/** The part of the attempts of the last seconds, in figures and as a bar. */
function share(part: number, whole: number): Content {
  const width = whole === 0 ? 0 : (part / whole) * 100;
  const bar = el("rect", { width: width.toFixed(1), height: 4, rx: 1 });
  return [
    percent(part, whole),
    el("svg", { class: "bar", viewBox: "0 0 100 4", preserveAspectRatio: "none", "aria-hidden": "true" }, bar),
  ];
}

const suspicions = { deadline: "a call missed its deadline", silence: "it is silent" };

function availabilityOf({ history }: TargetReading, { address, state, availability }: SubchannelSnapshot): Content {
  if (availability === "usable") return state === "ready" ? "usable" : "–";
  const told = history.happenings.items.findLast(
    (one) => "address" in one && one.address === address && one.type === "subchannel-suspect",
  );
  const why = told?.type === "subchannel-suspect" ? `: ${suspicions[told.reason]}` : "";
  return badge("bad", `${availability}${why}`);
}

function connectedFor({ connections, connectionAgeMs }: SubchannelSnapshot): Content {
  if (connectionAgeMs === undefined) return "–";
  return connections.length === 1
    ? duration(connectionAgeMs)
    : `${plural(connections.length, "connection")}, ${duration(connectionAgeMs)}`;
}

function lastErrorOf({ lastError, lastRenewalError }: SubchannelSnapshot): Content {
  if (lastError !== undefined) return el("span", { class: "error" }, lastError.message);
  if (lastRenewalError !== undefined) return el("span", { class: "error" }, `not renewed: ${lastRenewalError.message}`);
  return "–";
}
