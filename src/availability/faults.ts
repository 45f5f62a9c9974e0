import { Code } from "@connectrpc/connect";
import type { Failure, FailureKind } from "../base/errors.ts";

/**
 * What a failed attempt says of its backend:
 * - `fault`: something is wrong there;
 * - `loss`: its connection was lost, and every call on it says so: once is enough;
 * - `answer`: it works, and has refused what was asked for;
 * - `nothing`: the failure was made here.
 */
export type Verdict = "fault" | "loss" | "answer" | "nothing";

/** Codes that are the server's own trouble, and not that of who asks. */
const faultCodes: ReadonlySet<Code> = new Set([
  Code.Unavailable,
  Code.Internal,
  Code.Unknown,
  Code.DataLoss,
  Code.ResourceExhausted,
  Code.DeadlineExceeded,
]);

const losses: ReadonlySet<FailureKind> = new Set(["connection-lost", "connection-error", "goaway", "ping-timeout"]);

/** Of those the code is the server's word, or what its answer came to. */
const answered: ReadonlySet<FailureKind> = new Set(["status", "http-status", "protocol", "stream-reset"]);

/** A deadline that we noticed this late was missed by our own event loop. */
const stallMs = 100;

/** `lateMs`: how late our own event loop noticed that the attempt's time was over. */
export function verdictOf({ kind, code, inGoodOrder }: Failure, lateMs: number): Verdict {
  if (inGoodOrder === true) return "nothing";
  if (losses.has(kind)) return "loss";
  if (kind === "deadline" || kind === "attempt-timeout") return lateMs > stallMs ? "nothing" : "fault";
  if (!answered.has(kind)) return "nothing";
  // Headers above our limits: that is what was asked for.
  if (kind === "protocol" && code === Code.ResourceExhausted) return "nothing";
  if (kind === "stream-reset" && code === Code.Canceled) return "nothing";
  return faultCodes.has(code) ? "fault" : "answer";
}
