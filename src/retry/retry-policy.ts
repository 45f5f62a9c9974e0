import type { RetryOptions } from "../call/retry-options.ts";
import type { Failure } from "../errors.ts";
import { backoffDelayMs } from "../runtime/backoff.ts";
import type { Random } from "../runtime/random.ts";

/** All that a decision depends on. */
export interface RetrySituation {
  readonly failure: Failure;
  /** Attempts that count, the failed one included. */
  readonly attempts: number;
  /** Policy retries since the start or since the last pushback: the place on the backoff curve. */
  readonly curveStep: number;
  /** A free retry of a refused request was made already. */
  readonly refusedBefore: boolean;
  /** Time until the call's deadline; `Infinity` without one. */
  readonly remainingMs: number;
  readonly pushback: number | "stop" | undefined;
  readonly idempotent: boolean;
  /** Another backend than those tried is ready. */
  readonly otherBackendReady: boolean;
}

/** What to do after a failed attempt. */
export type RetryDecision =
  /** At once, without using up an attempt: the request did not run (gRFC A6, transparent retry). */
  | { readonly retry: "free" }
  | { readonly retry: "policy"; readonly delayMs: number }
  /** `note` says why, where the error alone does not. */
  | { readonly retry: "no"; readonly note: string | undefined };

/**
 * Failures of a connection, seen by a request that had one. Unsent, they are repeated at once; and waiting before going
 * to another backend would protect nobody.
 */
const connectionKinds = new Set<Failure["kind"]>([
  "connection-lost",
  "connection-error",
  "goaway",
  "ping-timeout",
  "no-streams",
  "idle",
  "drain-timeout",
  "stream-reset",
]);

const stop: RetryDecision = { retry: "no", note: undefined };
const free: RetryDecision = { retry: "free" };

/**
 * Decides after a failed attempt of a call that is not committed. Pure but for `budget` and `random`: `budget` is asked
 * last, because asking spends. `options` false: exactly one attempt, though a request that never left may still go out.
 */
export function decideRetry(
  situation: RetrySituation,
  options: RetryOptions | false,
  budget: () => boolean,
  random: Random,
): RetryDecision {
  const { failure, remainingMs } = situation;
  if (failure.kind === "canceled" || failure.kind === "deadline" || failure.kind === "closed") return stop;
  if (remainingMs <= 0) return stop;
  // "no-backend" is unsent too, but there is nowhere to go at once: the policy's wait applies to it.
  if (failure.progress === "unsent" && connectionKinds.has(failure.kind)) return free;
  if (options === false) return stop;
  if (failure.progress === "refused" && !situation.refusedBefore) return free;
  if (!options.codes.includes(failure.code) || failure.kind === "queue-full") return stop;
  if (situation.attempts >= options.maxAttempts) return stop;
  if (situation.pushback === "stop") return { retry: "no", note: "the server asked for no retry" };
  if (options.idempotentOnly && failure.progress === "unknown" && !situation.idempotent) {
    return { retry: "no", note: "not retried: the call may have run and its method is not declared idempotent" };
  }
  const delayMs = waitMs(situation, options, random);
  if (delayMs >= remainingMs) return { retry: "no", note: "no time left for another attempt" };
  if (!budget()) return { retry: "no", note: "the retry budget is used up" };
  return { retry: "policy", delayMs };
}

function waitMs(situation: RetrySituation, options: RetryOptions, random: Random): number {
  const { pushback, failure, otherBackendReady, curveStep } = situation;
  if (typeof pushback === "number") return pushback;
  if (otherBackendReady && connectionKinds.has(failure.kind)) return 0;
  return backoffDelayMs(options, curveStep + 1, random);
}
