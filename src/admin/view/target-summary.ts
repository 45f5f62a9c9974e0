import type { GlinkSnapshot } from "../../index.ts";
import { count, duration, percent, plural, rate } from "../texts.ts";
import { type Content, el, type Markup } from "./markup.ts";
import { retryRate, type TargetReading, targetRates } from "./target-reading.ts";

/** What one sees first of a target. */
export function targetFigures(reading: TargetReading): Markup {
  const { snapshot, now, since, sinceMs } = reading;
  const rates = targetRates(reading);
  const ended = now.succeeded + now.failed - since.succeeded - since.failed;
  const attempts = now.attempts - since.attempts;
  const answered = attempts - (now.attemptsFailed - since.attemptsFailed);
  const { retryBudget } = snapshot;
  return el(
    "dl",
    { class: "figures" },
    figure("calls/s", rate(rates.started), sinceMs > 0 ? `over the last ${duration(sinceMs)}` : "not measured yet"),
    figure("calls succeeded", percent(now.succeeded - since.succeeded, ended), `${rate(rates.failed)} failed/s`),
    figure("attempts succeeded", percent(Math.max(0, answered), attempts), `${rate(retryRate(reading))} retries/s`),
    durationFigure(reading),
    figure("open calls", count(snapshot.openCalls), `${count(snapshot.queuedCalls)} wait for a backend`),
    figure(
      "retry budget",
      retryBudget === undefined ? "none" : count(retryBudget.available),
      retryBudget === undefined
        ? "retries are not limited"
        : `${count(retryBudget.used)} of ${count(retryBudget.allowed)} used in 10 s`,
    ),
    lookupFigure(snapshot),
  );
}

function figure(name: string, value: string, note: Content): Markup {
  return el("div", {}, el("dt", {}, name), el("dd", {}, el("strong", {}, value), " ", el("small", {}, note)));
}

function durationFigure({ durations }: TargetReading): Markup {
  if (durations === undefined) return figure("p50 of calls", "–", "measured while somebody looks");
  const { p50, p99 } = durations;
  return figure("p50 of calls", atMost(p50), `p99 ${atMost(p99)}, of unary calls in the last minute`);
}

/** Durations are known in whole milliseconds. */
function atMost(ms: number): string {
  return ms === 0 ? "< 1 ms" : duration(ms);
}

function lookupFigure({ resolution, takenAtMs }: GlinkSnapshot): Markup {
  const { lastSuccessAtMs, lastError, nextLookupAtMs } = resolution;
  const age = lastSuccessAtMs === undefined ? "never" : `${duration(takenAtMs - lastSuccessAtMs)} ago`;
  const next = nextLookupAtMs === undefined ? "next when needed" : `next in ${duration(nextLookupAtMs - takenAtMs)}`;
  return figure("addresses as of", age, lastError === undefined ? next : `the last lookup failed; ${next}`);
}

/** What is the same at every moment, and what has been since the transport was made. */
export function targetFacts({ snapshot }: TargetReading): Markup {
  const { resolver, loadBalancing, proxy, engine, engineChosenBy, createdAtMs, takenAtMs, connections, calls } =
    snapshot;
  const why = engineChosenBy.length === 0 ? "" : `, because of ${engineChosenBy.join(", ")}`;
  const disconnections = Object.entries(connections.disconnections).map(([reason, times]) => `${times} × ${reason}`);
  return el(
    "p",
    { class: "facts" },
    `${resolver} resolver, ${loadBalancing}, HTTP/2 engine ${engine}${why}`,
    proxy === undefined ? ". " : `, through the proxy ${proxy}. `,
    `In ${duration(takenAtMs - createdAtMs)}: ${plural(calls.started, "call")}, `,
    `${plural(connections.dials.succeeded, "connection")} made, ${plural(connections.dials.failed, "dial")} failed`,
    disconnections.length === 0 ? "." : `, connections ended: ${disconnections.join(", ")}.`,
    rarities(snapshot),
  );
}

/** What most targets never have: said where there is any. */
function rarities({ calls, ejections }: GlinkSnapshot): string {
  const sum = (counts: Readonly<Record<string, number>>) => Object.values(counts).reduce((all, one) => all + one, 0);
  const [dropped, ejected] = [sum(calls.dropped), sum(ejections)];
  const said = [
    ...(calls.hedges === 0 ? [] : [plural(calls.hedges, "hedge")]),
    ...(dropped === 0 ? [] : [`${plural(dropped, "call")} dropped`]),
    ...(ejected === 0 ? [] : [plural(ejected, "ejection")]),
  ];
  return said.length === 0 ? "" : ` ${said.join(", ")}.`;
}
