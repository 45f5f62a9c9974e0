import type { GlinkEvent } from "../../index.ts";
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
      return event.reason === "deadline" ? "suspect: a call missed its deadline" : "suspect: it is silent";
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
    case "hint":
      return `hint: ${event.message}`;
    case "call-queued":
      return `calls wait (${event.waitsFor}), of ${event.method} first`;
    case "queue-drained":
      return `no call waits any more: ${plural(event.calls, "call")} did`;
    default:
      return event.type;
  }
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
