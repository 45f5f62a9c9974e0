import type { ConnectError } from "@connectrpc/connect";
import type { Clock } from "../runtime/clock.ts";

/**
 * Tells a caller that its call failed, once input and timers have had their turn. A call can fail in the turn it began
 * in, and a caller may try again at once, for ever: nothing else would run in the process any more, and whatever the
 * calls fail of would never be mended.
 */
export function rejectLater(clock: Clock, reject: (error: ConnectError) => void, error: ConnectError): void {
  clock.afterInput(() => reject(error));
}

/** The promise of a call that failed before it had one. */
export function rejectedLater(clock: Clock, error: ConnectError): Promise<never> {
  return new Promise((_, reject) => rejectLater(clock, reject, error));
}
