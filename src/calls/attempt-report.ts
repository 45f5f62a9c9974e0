import { Code } from "@connectrpc/connect";
import { type Failure, factOf } from "../base/errors.ts";
import { peerText } from "../base/peer-text.ts";
import type { PendingDial } from "../endpoint/target.ts";
import type { Events } from "../observe/events.ts";
import { callUserCode, reportUserCode } from "../observe/user-code.ts";
import type { Attempt } from "./attempt.ts";
import type { CallRequest } from "./call.ts";
import type { Withheld } from "./retry/retry-policy.ts";

/** How one attempt of a call went. */
export interface AttemptOutcome {
  readonly attempt: Attempt;
  /** 1 for the first. Attempts that did not use one up share the number of the one after them. */
  readonly number: number;
  /** Undefined: it succeeded. */
  readonly failure: Failure | undefined;
  /** The wait before the next attempt; undefined: there is none. */
  readonly retryDelayMs: number | undefined;
}

/** Tells whoever listens: subscribers of `attempt-failed`, and the call's own `onAttempt`. */
export function reportAttempt(outcome: AttemptOutcome, request: CallRequest, events: Events): void {
  const { failure, retryDelayMs, number } = outcome;
  const address = outcome.attempt.connection?.address;
  if (failure !== undefined && events.active) {
    const method = methodName(request);
    events.publish({ type: "attempt-failed", method, attempt: number, address, error: factOf(failure), retryDelayMs });
  }
  const { onAttempt } = request.options;
  if (onAttempt === undefined) return;
  const { code, progress, message } = failure ?? {};
  callUserCode(onAttempt, [{ attempt: number, address, code, progress, message, retryDelayMs }], (error) => {
    reportUserCode(events, "onAttempt", error);
  });
}

/** Tells that the policy would have made another attempt. `first`: of an episode of the budget. */
export function reportWithheld(
  { attempt, withheld, first }: { attempt: Attempt; withheld: Withheld; first: boolean },
  request: CallRequest,
  events: Events,
): void {
  if (!events.active) return;
  const { reason } = withheld;
  const method = methodName(request);
  events.publish({ type: "retry-withheld", method, address: attempt.connection?.address, reason, first });
}

function methodName({ method: { service, name } }: CallRequest): string {
  return `${service}/${name}`;
}

/**
 * For the error of a call that ends from outside: whether it waits for a backend, and whom for, and what it failed with
 * last.
 */
export function describeUntilNow(
  waits: boolean,
  dial: PendingDial | undefined,
  last: Failure | undefined,
): string | undefined {
  const notes = waits ? ["no connection was ready"] : [];
  if (waits && dial !== undefined) notes.push(`${dial.address} has not answered the ${dial.waitsFor}`);
  if (last !== undefined) notes.push(`last error: ${lastErrorText(last)}`);
  return notes.length === 0 ? undefined : notes.join(", ");
}

function lastErrorText({ code, message, address }: Failure): string {
  const from = address === undefined ? "" : ` from ${address}`;
  return `${Code[code]}${from}${message === "" ? "" : `: ${peerText(message)}`}`;
}
