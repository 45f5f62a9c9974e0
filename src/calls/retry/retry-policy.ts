import type { Failure } from "../../base/errors.ts";
import type { WithheldReason } from "../../observe/call-facts.ts";
import type { RetryCause } from "../../observe/counters.ts";
import { backoffDelayMs } from "../../runtime/backoff.ts";
import type { Random } from "../../runtime/random.ts";
import type { ReplayLimit } from "./replay-buffer.ts";
import type { RetryOptions } from "./retry-options.ts";

/** All that a decision depends on. */
export interface RetrySituation {
  readonly failure: Failure;
  /** The attempt had a stream. False: no backend was found, by the word of the picker. */
  readonly reachedBackend: boolean;
  /** Something of the response was shown to the user, or is about to be: this attempt is the call's last. */
  readonly committed: boolean;
  /** A byte of the only response message has come: the handler has answered, and nobody was shown it yet. */
  readonly answerBegan: boolean;
  /** The request is above `bufferMaxBytes`, or all that are kept are above `bufferTotalMaxBytes`: it is sent once. */
  readonly above: ReplayLimit | undefined;
  /** Attempts that count, the failed one included. */
  readonly attempts: number;
  /** Policy retries since the start or since the last pushback: the place on the backoff curve. */
  readonly curveStep: number;
  /** A free retry of a request was made already that a server refused which goes on. */
  readonly refusedBefore: boolean;
  /** How often in a row, until now, a GOAWAY in good order refused the request. */
  readonly goawaysInARow: number;
  /** Time until the call's deadline; `Infinity` without one. */
  readonly remainingMs: number;
  /** What the server asked for (gRFC A6): a wait, "stop" for no further attempt, or nothing. */
  readonly pushback: number | "stop" | undefined;
  readonly idempotent: boolean;
  /** The request's headers are longer than what every server takes. */
  readonly longHeaders: boolean;
  /** A connection that has not failed this call is ready, or is being made. */
  readonly otherConnection: boolean;
  /** The next attempt waits already and is paid for: it follows another failure too. So it may be where calls hedge. */
  readonly nextWaits: boolean;
}

/** What to do after a failed attempt. */
export type RetryDecision =
  /** At once, without using up an attempt: the request did not run (gRFC A6, transparent retry). */
  | { readonly retry: "free"; readonly cause: "transparent"; readonly delayMs: 0 }
  | { readonly retry: "policy"; readonly cause: Exclude<RetryCause, "transparent">; readonly delayMs: number }
  /** `withheld`: the policy would have retried but for this. */
  | { readonly retry: "no"; readonly withheld: Withheld | undefined };

/** Why there was no retry, in a word for programs and in one for people. */
export interface Withheld {
  readonly reason: WithheldReason;
  readonly note: string;
}

/** The connection ended under the request. Unsent, it is repeated at once: there is, or will be, another to go to. */
const connectionLost = new Set<Failure["kind"]>([
  "connection-lost",
  "connection-error",
  "goaway",
  "ping-timeout",
  "no-streams",
  "idle",
  "drain-timeout",
]);

/** The answer that had begun will never be complete: only another attempt can give the caller one. */
const interrupted = new Set<Failure["kind"]>([...connectionLost, "attempt-timeout"]);

/**
 * A request that a server refuses because it ends its connection in good order goes to another connection for free, and
 * that may happen again and again where connections end after a few requests. More than this in a row is a broken server.
 */
const maxGoawaysInARow = 10;

const stop: RetryDecision = { retry: "no", withheld: undefined };
const free: RetryDecision = { retry: "free", cause: "transparent", delayMs: 0 };

/**
 * Decides after a failed attempt. Pure but for `budget` and `random`: `budget` is asked last, because asking spends.
 * `options` false: exactly one attempt, though a request that never left may still go out.
 */
export function decideRetry(
  situation: RetrySituation,
  options: RetryOptions | false,
  budget: () => boolean,
  random: Random,
): RetryDecision {
  const { failure, remainingMs, above } = situation;
  const { kind, progress } = failure;
  const committed = situation.committed || (situation.answerBegan && !interrupted.has(kind));
  if (kind === "canceled" || kind === "deadline" || kind === "closed" || remainingMs <= 0) return stop;
  // Where no backend was found the request is unsent too, but there is nowhere to go at once: the policy's wait applies.
  const lost = situation.reachedBackend && connectionLost.has(kind);
  if (lost && progress === "unsent" && !committed && !isTurnedAwayForEver(situation)) return free;
  if (options === false) return stop;
  if (progress === "refused" && !committed && above === undefined && isFreeRefusal(situation)) return free;
  if (!options.codes.includes(failure.code) || kind === "queue-full" || kind === "dropped") return stop;
  if (situation.attempts >= options.maxAttempts) return stop;
  if (above !== undefined) return no("request-size", `not retried: ${aboveText(above, options)}`);
  if (committed) return stop;
  if (situation.pushback === "stop") return no("pushback", "the server asked for no retry");
  if (lost && progress === "unknown" && situation.longHeaders) {
    const note = "not retried: the connection may have ended because of the length of the request's headers";
    return no("request-size", note);
  }
  if (options.idempotentOnly && progress === "unknown" && !situation.idempotent) {
    return no("idempotency", "not retried: the call may have run and its method is not declared idempotent");
  }
  // Wait and budget protect servers under load. A lost connection's server is none, while there is another to go to.
  const leavesLost = situation.otherConnection && lost;
  const delayMs = waitMs(situation, options, leavesLost, random);
  if (delayMs >= remainingMs) return no("deadline", "no time left for another attempt");
  if (!leavesLost && !situation.nextWaits && !budget()) return no("budget", "the retry budget is used up");
  const cause = typeof situation.pushback === "number" ? "pushback" : leavesLost ? "lost-connection" : "policy";
  return { retry: "policy", cause, delayMs };
}

/** gRFC A6 repeats a refused request for free once. A server that ends its connection has said nothing of the request. */
function isFreeRefusal(situation: RetrySituation): boolean {
  return situation.failure.inGoodOrder === true ? !isTurnedAwayForEver(situation) : !situation.refusedBefore;
}

/** Whether the request had left before the GOAWAY, or not any more, is chance. */
function isTurnedAwayForEver({ failure, goawaysInARow }: RetrySituation): boolean {
  return failure.inGoodOrder === true && goawaysInARow >= maxGoawaysInARow;
}

function aboveText(above: ReplayLimit, { bufferMaxBytes, bufferTotalMaxBytes }: RetryOptions): string {
  return above === "call"
    ? `the request is larger than retry.bufferMaxBytes ${bufferMaxBytes}`
    : `the requests that are kept for another attempt would be more than retry.bufferTotalMaxBytes ${bufferTotalMaxBytes}`;
}

function no(reason: WithheldReason, note: string): RetryDecision {
  return { retry: "no", withheld: { reason, note } };
}

function waitMs(situation: RetrySituation, options: RetryOptions, leavesLost: boolean, random: Random): number {
  const { pushback, curveStep } = situation;
  if (typeof pushback === "number") return pushback;
  return leavesLost ? 0 : backoffDelayMs(options, curveStep + 1, random);
}
