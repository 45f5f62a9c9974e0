import { Code } from "@connectrpc/connect";
import { type Failure, factOf } from "../base/errors.ts";
import { methodName } from "../base/method-spec.ts";
import { peerText } from "../base/peer-text.ts";
import type { Attempt } from "./attempt.ts";
import type { CallContext } from "./call-context.ts";
import type { Withheld } from "./retry/retry-policy.ts";

/** An attempt that failed. */
interface FailedAttempt {
  readonly attempt: Attempt;
  /** 1 for the first. Attempts that did not use one up share the number of the one after them. */
  readonly number: number;
  readonly failure: Failure;
  /** The wait before the next attempt; undefined: there is none. */
  readonly retryDelayMs: number | undefined;
}

/** Counts and publishes that an attempt failed. */
export function reportFailed(
  { attempt, number, failure, retryDelayMs }: FailedAttempt,
  { attempt: { counters, events } }: CallContext,
): void {
  counters.attemptFailed(failure.kind, failure.progress);
  if (!events.active) return;
  const method = methodName(attempt.pickInfo.method);
  const address = attempt.connection?.address;
  events.publish({ type: "attempt-failed", method, attempt: number, address, error: factOf(failure), retryDelayMs });
}

/** Counts and publishes that the policy would have made another attempt. */
export function reportWithheld(attempt: Attempt, { reason }: Withheld, context: CallContext): void {
  const { counters, events } = context.attempt;
  counters.retriesWithheld[reason]++;
  if (!events.active) return;
  const method = methodName(attempt.pickInfo.method);
  const first = reason === "budget" && context.retryLimit.current?.isNewEpisode === true;
  events.publish({ type: "retry-withheld", method, address: attempt.connection?.address, reason, first });
}

/** What ends a call from outside. */
const endsFromOutside = new Set<Failure["kind"]>(["deadline", "canceled", "closed"]);

/**
 * For the error of a call that ends from outside: whether its attempt waits for a backend, and whom for, and what the call
 * failed with last. Without it, a timeout would hide the reason for it.
 */
export function noteUntilNow(
  { kind }: Failure,
  attempt: Attempt | undefined,
  lastFailure: Failure | undefined,
  { attempt: { source } }: CallContext,
): string | undefined {
  if (!endsFromOutside.has(kind)) return undefined;
  const waits = attempt !== undefined && attempt.connection === undefined;
  const dial = waits ? source.eldestDial : undefined;
  const last = lastFailure ?? (waits ? source.lastFailure : undefined);
  const notes = waits ? ["no connection was ready"] : [];
  if (dial !== undefined) notes.push(`${dial.peer} has not answered the ${dial.waitsFor}`);
  if (last !== undefined) notes.push(`last error: ${lastErrorText(last)}`);
  return notes.length === 0 ? undefined : notes.join(", ");
}

/** A failure in a word, for the error of the call that it did not end. */
export function lastErrorText({ code, message, address }: Failure): string {
  const from = address === undefined ? "" : ` from ${address}`;
  return `${Code[code]}${from}${message === "" ? "" : `: ${peerText(message)}`}`;
}
