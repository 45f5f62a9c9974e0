import { type Failure, noBackendFailure } from "../base/errors.ts";
import { codeOf } from "../base/thrown.ts";
import { isOnThisMachine } from "../endpoint/address.ts";
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
 *
 * The backends are looked at when a call comes: thousands that fail one by one make thousands of these pickers.
 */
export function withoutReady(backends: readonly Backend[], target: TargetFacts): Picker {
  let result: "queue" | Failure | undefined;
  return {
    pick() {
      result ??= unreachable(backends, target);
      return result;
    },
  };
}

/** What a failure to reach any backend says of the target. */
interface TargetFacts {
  readonly target: string;
  readonly everConnected: boolean;
}

function unreachable(backends: readonly Backend[], { target, everConnected }: TargetFacts): "queue" | Failure {
  let last: Failure | undefined;
  for (const { lastFailure } of backends) {
    if (lastFailure === undefined) return "queue";
    last = lastFailure;
  }
  if (last === undefined) return "queue";
  const advice = !everConnected && allRefused(backends) ? ` (every address refuses: ${refusalAdvice(backends)})` : "";
  return noBackendFailure(`no backend of ${target} is reachable${advice}`, last);
}

/** What to check when nothing listens where it should. On this machine no Service stands between. */
export function refusalAdvice(backends: readonly Backend[]): string {
  return backends.every(({ endpoint }) => endpoint.addresses.every(isOnThisMachine))
    ? "is the server up, and is this its port?"
    : "use the pod port, which is the targetPort of the Service and not its port, and let the server listen on 0.0.0.0 or ::";
}

/** True when there are backends and each one's last dial met a closed port. */
export function allRefused(backends: readonly Backend[]): boolean {
  return backends.length > 0 && backends.every(({ lastFailure }) => isRefusal(lastFailure));
}

/** A proxy that refuses says nothing of the backend's port. */
function isRefusal(failure: Failure | undefined): boolean {
  return failure?.kind !== "proxy" && codeOf(failure?.cause) === "ECONNREFUSED";
}
