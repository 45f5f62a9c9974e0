import { type Failure, noBackendFailure } from "../errors.ts";
import type { Backend } from "../subchannel/backend.ts";
import type { Picker } from "./picker.ts";

/** Every call waits: for a first list of backends, or for a connection. */
export const queueAll: Picker = { pick: () => "queue" };

/** Every call that does not wait for ready fails with `failure`. */
export function failAll(failure: Failure): Picker {
  return { pick: () => failure };
}

/**
 * The picker while no backend is ready: calls wait while one may become it, and fail once all have failed. A backend
 * that failed counts as failed until it is ready again, even while it is being dialled once more: otherwise calls would
 * alternate between failing fast and hanging. The target is named in the failure.
 */
export function withoutReady(
  backends: readonly Backend[],
  { target, everConnected }: { readonly target: string; readonly everConnected: boolean },
): Picker {
  let last: Failure | undefined;
  for (const { lastFailure } of backends) {
    if (lastFailure === undefined) return queueAll;
    last = lastFailure;
  }
  if (last === undefined) return queueAll;
  const advice = !everConnected && allRefused(backends) ? ` (every address refuses: ${podPortAdvice})` : "";
  return failAll(noBackendFailure(`no backend of ${target} is reachable${advice}`, last));
}

/** What to check when nothing listens where it should. */
export const podPortAdvice = "use the pod port, which is the targetPort of the Service and not its port";

/** True when there are backends and each one's last dial met a closed port. */
export function allRefused(backends: readonly Backend[]): boolean {
  return backends.length > 0 && backends.every(({ lastFailure }) => isRefusal(lastFailure?.cause));
}

function isRefusal(cause: unknown): boolean {
  return typeof cause === "object" && cause !== null && "code" in cause && cause.code === "ECONNREFUSED";
}
