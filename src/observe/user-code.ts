import { causeFactOf } from "../base/thrown.ts";
import type { Events, ThrownFact } from "./events.ts";

/**
 * Calls a function of the user's whose result nobody needs. What it throws goes to `failed`, and so does the rejection
 * of a promise that it returns: nothing else would catch that, and an unhandled rejection ends the process.
 */
export function callUserCode<A extends unknown[]>(
  code: (...given: A) => unknown,
  given: A,
  failed: (error: unknown) => void,
): void {
  try {
    const result = code(...given);
    if (result instanceof Promise) result.catch(failed);
  } catch (error) {
    failed(error);
  }
}

/**
 * For code of the user's on the path of every call, which is called in a plain try, without a function made for it: tells
 * of the rejection of a promise that it returned.
 */
export function reportRejection(events: Events, where: string, result: unknown): void {
  if (result instanceof Promise) result.catch((error) => reportUserCode(events, where, error));
}

/** Tells of what code of the user's threw: nothing else was touched by it. */
export function reportUserCode(events: Events, where: string, thrown: unknown): void {
  if (events.active) events.publish({ type: "user-code-failed", where, error: thrownFactOf(thrown) });
}

function thrownFactOf(thrown: unknown): ThrownFact {
  const fact = causeFactOf(thrown);
  try {
    const { stack } = (thrown ?? {}) as { stack?: unknown };
    return typeof stack === "string" ? { ...fact, stack } : fact;
  } catch {
    return fact;
  }
}
