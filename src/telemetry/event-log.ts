import { debuglog } from "node:util";
import type { GlinkEvent } from "../events.ts";
import type { GlinkListener } from "./event-bus.ts";
import type { Logger } from "./logger.ts";

/**
 * A listener that writes what an operator should know: one line for each change of the address set, each lost backend,
 * and the first failure of an episode. The rest is on debug level.
 */
export function eventLog(logger: Logger): GlinkListener {
  /** Backends whose failure was reported and that have not worked since. */
  const failing = new Set<string>();
  return (event) => {
    const { type, ...fields } = event;
    const line = describe(event);
    const level = type === "subchannel-state" ? stateLevel(event, failing) : line.level;
    // The result too: a logger may be asynchronous, and fail later.
    return logger[level]({ event: type, ...fields }, line.message);
  };
}

/** A backend that is lost or cannot be reached is news once; while it is dialled again and again it is not. */
function stateLevel({ address, from, to, error }: StateEvent, failing: Set<string>): Line["level"] {
  if (to === "ready" || to === "shutdown") failing.delete(address);
  if (error === undefined || failing.has(address)) return "debug";
  if (from !== "ready") failing.add(address);
  return "warn";
}

/** A listener that writes every event to stderr when the process runs with NODE_DEBUG=glink; undefined otherwise. */
export function debugLog(): GlinkListener | undefined {
  const log = debuglog("glink");
  if (!log.enabled) return undefined;
  return (event) => log("%s %s", describe(event).message, JSON.stringify(event));
}

type StateEvent = Extract<GlinkEvent, { type: "subchannel-state" }>;

interface Line {
  readonly level: "debug" | "info" | "warn";
  readonly message: string;
}

function describe(event: GlinkEvent): Line {
  switch (event.type) {
    case "pool-updated": {
      const { added, removed, kept } = event;
      return line("info", `backends changed: ${added.length} added, ${removed.length} removed, ${kept} kept`);
    }
    case "resolve-failed":
      return line(event.first ? "warn" : "debug", event.error.message);
    case "resolve-recovered":
      return line("info", "name resolution works again");
    case "subchannel-state": {
      const why = event.error === undefined ? "" : `: ${event.error.message}`;
      return line("debug", `${event.address} went from ${event.from} to ${event.to}${why}`);
    }
    case "goaway":
      return line("debug", `${event.address} said GOAWAY${event.debug === "" ? "" : `: ${event.debug}`}`);
    case "connection-draining":
      return line("debug", `a connection to ${event.address} drains ${event.openCalls} calls (${event.reason})`);
    case "connection-drained":
      return event.cutCalls > 0
        ? line("warn", `drainTimeoutMs cut ${event.cutCalls} calls of a retired connection to ${event.address}`)
        : line("debug", `a retired connection to ${event.address} has drained`);
    case "subchannel-suspect":
      return line("debug", `${event.address} is asked by PING whether it lives (${event.reason})`);
    case "attempt-failed":
      return line("debug", `attempt ${event.attempt} of ${event.method} failed: ${event.error.message}`);
    case "retry-withheld":
      return event.first
        ? line("warn", `the retry budget is used up: failed calls of ${event.target} are not retried`)
        : line("debug", `${event.method} is not retried (${event.reason})`);
    case "hint":
      return line(event.hint === "single-address" ? "info" : "warn", event.message);
    case "user-code-failed":
      return line("warn", `the ${event.where} threw: ${event.error.message}`);
    case "closed":
      return line("debug", "the transport is closed");
  }
}

function line(level: Line["level"], message: string): Line {
  return { level, message };
}
