import type { SeenDifference } from "./tolerance.ts";
import { toleratedCalls } from "./tolerated-calls.ts";
import { toleratedSessions } from "./tolerated-sessions.ts";

const tolerances = [...toleratedSessions, ...toleratedCalls];

/** The name of the tolerance that covers a difference. */
export function toleratedBy(seen: SeenDifference): string | undefined {
  const isValid = seen.fuzzCase.origin === "valid";
  return tolerances.find(({ covers, evenIfValid }) => (!isValid || evenIfValid === true) && covers(seen))?.name;
}
