import { debuglog } from "node:util";
import type { EjectionReason } from "./backend-facts.ts";
import type { GlinkListener } from "./event-bus.ts";
import type { GlinkEvent } from "./events.ts";
import type { Logger } from "./logger.ts";

/**
 * A listener that writes what an operator should know: one line for each change of the address set, each lost backend
 * and its return, and the first failure of an episode. The rest is on debug level.
 */
export function eventLog(logger: Logger): GlinkListener {
  const outages: Outages = new Map();
  return (event) => {
    const { type, ...fields } = event;
    const { level, message } = news(event, outages) ?? describe(event);
    // The result too: a logger may be asynchronous, and fail later.
    return logger[level]({ event: type, ...fields }, message);
  };
}

/** What was reported of each backend that has not worked since. */
type Outages = Map<string, "lost" | "unreachable" | "silent">;

/** What of a backend is news once: that it is lost, cannot be reached, or is silent; and its return. */
function news(event: GlinkEvent, outages: Outages): Line | undefined {
  if (event.type === "subchannel-silent") {
    outages.set(event.address, "silent");
  } else if (event.type === "subchannel-usable") {
    if (outages.get(event.address) !== "silent") return undefined;
    outages.delete(event.address);
    return line("info", `${event.address} answers again after ${event.suspectMs} ms`);
  } else if (event.type === "subchannel-state") {
    const { address, from, to, error } = event;
    const reported = outages.get(address);
    if (to === "ready" || to === "shutdown") outages.delete(address);
    if (to === "ready" && reported !== undefined) return line("info", `${address} is ready again${readyText(event)}`);
    // While it is dialled again and again it is no news.
    if (error === undefined || reported === "unreachable") return undefined;
    outages.set(address, from === "ready" ? "lost" : "unreachable");
    return line("warn", describe(event).message);
  }
  return undefined;
}

/** A listener that writes every event to stderr when the process runs with NODE_DEBUG=glink; undefined otherwise. */
export function debugLog(): GlinkListener | undefined {
  const log = debuglog("glink");
  if (!log.enabled) return undefined;
  return (event) => log("%s %s", describe(event).message, JSON.stringify(event));
}

const ejectionTexts: Readonly<Record<EjectionReason, string>> = {
  "consecutive-failures": "its calls fail one after the other, and those to others do not",
  "success-rate": "fewer of its calls succeed than of those to others",
  "failure-percentage": "most of its calls fail",
  "probe-failed": "the call that was to show whether it works again failed",
};

interface Line {
  readonly level: "debug" | "info" | "warn";
  readonly message: string;
}

function describe(event: GlinkEvent): Line {
  switch (event.type) {
    case "pool-updated": {
      const { added, removed, leaving, kept } = event;
      const counts = `${added.length} added, ${removed.length} removed, ${kept} kept`;
      const old = leaving.length === 0 ? "" : `, ${leaving.length} old ones serve until a new one is ready`;
      return line("info", `backends changed: ${counts}${old}`);
    }
    case "backends-stale": {
      const { stale, returned } = event;
      const doubted = `the resolver has lost ${stale.length} backends that work: they stay until a second answer lacks them too`;
      return line(
        "warn",
        stale.length > 0 ? doubted : `the resolver names ${returned.length} backends again that it had lost`,
      );
    }
    case "resolved": {
      const took = event.tookMs === undefined ? "" : ` after ${event.tookMs} ms`;
      return line(
        "debug",
        `the resolver names ${event.addresses} backends${took}${event.changed ? "" : ", as before"}`,
      );
    }
    case "resolve-failed":
      return line(event.first ? "warn" : "debug", event.error.message);
    case "service-config-rejected":
      return line(event.first ? "warn" : "debug", `${event.error.message}: the last service config stays in use`);
    case "resolve-recovered":
      return line("info", "name resolution works again");
    case "subchannel-state": {
      const why = event.error === undefined ? "" : `: ${event.error.message}`;
      return line("debug", `${event.address} went from ${event.from} to ${event.to}${why}${readyText(event)}`);
    }
    case "connected":
      return line("debug", `connected to ${event.address} after ${event.tookMs} ms`);
    case "connect-failed":
      return line("debug", `a dial of ${event.address} failed after ${event.tookMs} ms: ${event.error.message}`);
    case "ping-timeout":
      return line("debug", `a PING to ${event.address} got no answer for ${event.waitedMs} ms: the connection is dead`);
    case "goaway":
      return line("debug", `${event.address} said GOAWAY${event.debug === "" ? "" : `: ${event.debug}`}`);
    case "connection-draining":
      return line("debug", `a connection to ${event.address} drains ${event.openCalls} calls (${event.reason})`);
    case "connection-drained":
      return event.cutCalls > 0
        ? line("warn", `drainTimeoutMs cut ${event.cutCalls} calls of a retired connection to ${event.address}`)
        : line("debug", `a retired connection to ${event.address} has drained after ${event.tookMs} ms`);
    case "subchannel-suspect":
      return line("debug", `${event.address} is suspect (${event.reason}): calls go to others while there are any`);
    case "subchannel-silent": {
      const silence = `${event.address} has said nothing for ${event.silentMs} ms, while it left a call or a PING unanswered`;
      return line("warn", `${silence}: calls go to other backends while there are any`);
    }
    case "subchannel-usable":
      return line("debug", `${event.address} is no longer suspect after ${event.suspectMs} ms`);
    case "backend-ejected": {
      const { address, reason, ejections, ejectionMs } = event;
      const again = ejections === 1 ? "" : `, for the ${ejections}. time`;
      return line("warn", `${address} is ejected for ${ejectionMs} ms${again}: ${ejectionTexts[reason]}`);
    }
    case "backend-probing":
      return line("debug", `${event.address} gets single calls until it answers one`);
    case "backend-returned":
      return line("info", `${event.address} answers calls again, ${event.ejectedMs} ms after it was ejected`);
    case "backend-unhealthy":
      return line("warn", `${event.address} is unhealthy (${event.reason}): calls go to others while there are enough`);
    case "backend-healthy":
      return line("info", `${event.address} is healthy again after ${event.unhealthyMs} ms`);
    case "panic-began":
      return line(
        "warn",
        `only ${event.usable} of ${event.connected} connected backends are usable: calls go to all of them`,
      );
    case "panic-ended":
      return line(
        "info",
        `${event.usable} of ${event.connected} connected backends are usable: calls go to those alone`,
      );
    case "renewal-failed": {
      const what = `the connection to ${event.address} could not be replaced before its maximum age, and goes on`;
      return line(event.first ? "warn" : "debug", `${what}: ${event.error.message}`);
    }
    case "call-queued":
      return line("debug", `calls wait (${event.waitsFor}), a call of ${event.method} first`);
    case "queue-drained":
      return line("debug", `no call waits any more: ${event.calls} did`);
    case "attempt-failed":
      return line("debug", `attempt ${event.attempt} of ${event.method} failed: ${event.error.message}`);
    case "retry-withheld":
      return event.first
        ? line("warn", `the retry budget is used up: failed calls of ${event.target} are not retried`)
        : line("debug", `${event.method} is not retried (${event.reason})`);
    case "priority-changed": {
      const before = event.from === undefined ? "" : `, and no longer to those of priority ${event.from}`;
      return line("info", `calls go to the backends of priority ${event.to}${before}`);
    }
    case "zone-share-changed":
      return line("info", `${Math.round(event.share * 100)} % of the calls stay in the zone ${event.zone}`);
    case "call-dropped":
      return line(event.first ? "warn" : "debug", `calls of ${event.target} are dropped: ${event.message}`);
    case "hint":
      return line(event.hint === "single-address" ? "info" : "warn", event.message);
    case "user-code-failed":
      return line("warn", `the ${event.where} threw: ${event.error.message}`);
    case "closed":
      return line("debug", "the transport is closed");
  }
}

function readyText({ ready, backends }: { readonly ready: number; readonly backends: number }): string {
  return ` (${ready} of ${backends} backends are ready)`;
}

function line(level: Line["level"], message: string): Line {
  return { level, message };
}
