import type { EjectionReason, GlinkEvent } from "../../index.ts";
import { duration, plural } from "../texts.ts";

/** What an event says, without its time and its address. Of a type that is not known here, its name: new ones may come. */
export function eventWords(event: GlinkEvent): string {
  switch (event.type) {
    case "pool-updated":
      return poolWords(event);
    case "resolved":
      return `${plural(event.addresses, "backend")} named${event.tookMs === undefined ? "" : `, after ${duration(event.tookMs)}`}`;
    case "resolve-failed":
      return `lookup failed: ${event.error.message}`;
    case "resolve-recovered":
      return "lookups work again";
    case "subchannel-state":
      return `${event.from} → ${event.to}${event.error === undefined ? "" : `: ${event.error.message}`}`;
    case "connected":
      return `connected in ${duration(event.tookMs)}${event.tls === undefined ? "" : `, ${event.tls.protocol ?? "TLS"}`}`;
    case "connect-failed":
      return `not connected after ${duration(event.tookMs)}: ${event.error.message}`;
    case "ping-timeout":
      return `a PING was not answered for ${duration(event.waitedMs)}`;
    case "goaway":
      return `GOAWAY, code ${event.http2Code}${event.debug === "" ? "" : `, "${event.debug}"`}`;
    case "connection-draining":
      return `a connection drains (${event.reason}), ${plural(event.openCalls, "open call")}`;
    case "connection-drained":
      return `a connection has drained in ${duration(event.tookMs)}${event.cutCalls === 0 ? "" : `, ${plural(event.cutCalls, "call")} cut`}`;
    case "subchannel-suspect":
      return `suspect: ${leftOutWords(event)}`;
    case "subchannel-silent":
      return `nothing came for ${duration(event.silentMs)}`;
    case "subchannel-usable":
      return `usable again, after ${duration(event.suspectMs)}`;
    case "renewal-failed":
      return `a connection could not be renewed: ${event.error.message}`;
    case "attempt-failed":
      return `attempt ${event.attempt} of ${event.method} failed: ${event.error.message}`;
    case "user-code-failed":
      return `the user's own code failed (${event.where}): ${event.error.message}`;
    case "backends-stale":
      return staleWords(event);
    case "service-config-rejected":
      return `the service config cannot be used: ${event.error.message}`;
    case "backend-ejected":
      return `ejected for ${duration(event.ejectionMs)}: ${leftOutWords(event)}${event.ejections === 1 ? "" : `, for the ${event.ejections}. time`}`;
    case "backend-probing":
      return "the ejection is over: single calls show whether it works";
    case "backend-returned":
      return `answers calls again, ${duration(event.ejectedMs)} after it was ejected`;
    case "backend-unhealthy":
      return `unhealthy: ${leftOutWords(event)}`;
    case "backend-healthy":
      return `healthy again, after ${duration(event.unhealthyMs)}`;
    case "panic-began":
      return `panic: ${event.usable} of ${event.connected} connected backends are usable, and calls go to all of them`;
    case "panic-ended":
      return `panic is over: ${event.usable} of ${event.connected} connected backends are usable`;
    case "priority-changed":
      return `calls go to priority ${event.to}${event.from === undefined ? "" : `, and no longer to ${event.from}`}`;
    case "zone-share-changed":
      return `${Math.round(event.share * 100)} % of the calls stay in the zone ${event.zone}`;
    case "retry-withheld":
      return `${event.method} is not retried (${event.reason})`;
    case "call-dropped":
      return `calls are dropped (${event.reason}), of ${event.method}: ${event.message}`;
    case "closed":
      return "the transport is closed";
    case "hint":
      return `hint: ${event.message}`;
    case "call-queued":
      return `calls wait (${event.waitsFor}), of ${event.method} first`;
    case "queue-drained":
      return `no call waits any more: ${plural(event.calls, "call")} did`;
    default:
      return (event as GlinkEvent).type;
  }
}

/** What says why calls avoid a backend. */
export type LeftOutEvent = Extract<
  GlinkEvent,
  { type: "subchannel-suspect" | "backend-unhealthy" | "backend-ejected" }
>;

/** Why calls avoid it. */
export function leftOutWords(event: LeftOutEvent): string {
  switch (event.type) {
    case "subchannel-suspect":
      return event.reason === "deadline" ? "a call missed its deadline" : "it is silent";
    case "backend-unhealthy":
      return event.reason;
    case "backend-ejected":
      return ejectionWords[event.reason];
  }
}

const ejectionWords: Readonly<Record<EjectionReason, string>> = {
  "consecutive-failures": "its calls fail one after the other",
  "success-rate": "fewer of its calls succeed than of those to others",
  "failure-percentage": "most of its calls fail",
  "probe-failed": "the call that was to show whether it works failed",
};

function staleWords({ stale, returned }: Extract<GlinkEvent, { type: "backends-stale" }>): string {
  if (stale.length === 0) return `named again: ${named(returned)}`;
  return `an answer lacks backends that work, which stay until a second one does: ${named(stale)}`;
}

/** Long lists are cut: a rollout of a thousand pods is one line. */
const maxNamed = 8;

function poolWords({ added, removed, leaving, kept }: Extract<GlinkEvent, { type: "pool-updated" }>): string {
  const changes = Object.entries({ added, removed, leaving }).filter(([, addresses]) => addresses.length > 0);
  return [...changes.map(([what, addresses]) => `${what} ${named(addresses)}`), `${kept} kept`].join("; ");
}

function named(addresses: readonly string[]): string {
  const more = addresses.length > maxNamed ? ` and ${addresses.length - maxNamed} more` : "";
  return `${addresses.slice(0, maxNamed).join(", ")}${more}`;
}
