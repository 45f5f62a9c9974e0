import { AsyncResource } from "node:async_hooks";

/** The context of the moment in which this is called, to be kept. Node offers no other way to leave a context. */
export function backgroundHere(): AsyncResource {
  return new AsyncResource("glink.Background", { requireManualDestroy: true });
}

/** The async context of the moment in which this module was loaded: that of the process. It is stateless. */
const processContext = backgroundHere();

/**
 * Runs work that belongs to no request: dials, lookups, timers, the events of sockets. Whoever's call was the reason for
 * it, or made the transport, would otherwise be kept in memory, and show in the traces, for as long as those live. The
 * context is that of `runtime`, which instrumentation may have chosen, or the process'.
 */
export function inBackground<T>(work: () => T, runtime?: { readonly background?: AsyncResource | undefined }): T {
  return (runtime?.background ?? processContext).runInAsyncScope(work);
}
