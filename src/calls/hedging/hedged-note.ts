import type { Failure } from "../../base/errors.ts";
import { lastErrorText, noteUntilNow } from "../attempt-report.ts";
import type { CallContext } from "../call-context.ts";
import type { HedgedAttempt } from "./hedged-attempt.ts";

/**
 * For the error of a hedged call: where else it went, and what came of that. `open`: the attempts that are given up with
 * it; `failures`: of those that failed before.
 */
export function noteOn(
  failure: Failure,
  open: readonly HedgedAttempt[],
  failures: readonly Failure[],
  context: CallContext,
): string | undefined {
  const addresses = open.flatMap(({ current }) => current?.connection?.address ?? []);
  if (open.length > 0 && addresses.length === 0) {
    return noteUntilNow(failure, open[0]?.current, failures.at(-1), context);
  }
  const notes = addresses.length > 1 ? [`hedged: no answer from ${addresses.join(" and ")}`] : [];
  if (failures.length > 0) notes.push(`other attempts failed with ${failures.map(lastErrorText).join("; ")}`);
  return notes.length === 0 ? undefined : notes.join(", ");
}
