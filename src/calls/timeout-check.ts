import { Code, type ConnectError } from "@connectrpc/connect";
import { describeValue } from "../base/check.ts";
import { toConnectError } from "../base/connect-error.ts";

/**
 * InvalidArgument for a call's `timeoutMs` that is not a number: they are often computed, and a call without a deadline
 * is not what NaN was meant to be.
 */
export function timeoutError(timeoutMs: unknown): ConnectError | undefined {
  if (timeoutMs === undefined || (typeof timeoutMs === "number" && !Number.isNaN(timeoutMs))) return undefined;
  const message = `timeoutMs must be a number of milliseconds (0 or less: no deadline), not ${describeValue(timeoutMs)}`;
  const failure = { kind: "invalid-request", code: Code.InvalidArgument, progress: "unsent", message } as const;
  return toConnectError(failure, { attempts: 0 });
}
