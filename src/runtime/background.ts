import { AsyncResource } from "node:async_hooks";

/**
 * The async context of the moment in which this module was loaded: that of the process, and of no request. It is
 * stateless, and Node offers no other way to leave a context.
 */
const context = new AsyncResource("glink.Background", { requireManualDestroy: true });

/**
 * Runs work that belongs to no request: dials, lookups, timers, the events of sockets. Whoever's call was the reason for
 * it, or made the transport, would otherwise be kept in memory, and show in the traces, for as long as those live.
 */
export function inBackground<T>(work: () => T): T {
  return context.runInAsyncScope(work);
}
