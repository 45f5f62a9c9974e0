import { AsyncResource } from "node:async_hooks";

/**
 * A positive integer above every one that was given before in this thread, whatever it was for. Node counts, so that
 * several copies of this package agree.
 */
export function uniqueId(): number {
  return new AsyncResource("glink.Id", { requireManualDestroy: true }).asyncId();
}
