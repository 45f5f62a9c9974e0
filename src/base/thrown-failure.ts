import type { Code } from "@connectrpc/connect";
import type { Failure, Progress } from "./errors.ts";
import { earlyKindOf } from "./glink-failure.ts";
import { asConnectError, describeCause } from "./thrown.ts";

/**
 * What was thrown where a message is written or read, or a call's headers and options are. A ConnectError is passed on as it
 * is; of glink's own the kind is known, and anything else is an `invalid-request`.
 */
export function thrownFailure(code: Code, thrown: unknown, progress: Progress): Failure {
  const own = asConnectError(thrown);
  if (own === undefined)
    return { kind: "invalid-request", code, progress, message: describeCause(thrown), cause: thrown };
  const kind = earlyKindOf(own);
  const { code: ownCode, rawMessage: message } = own;
  if (kind === undefined) return { kind: "invalid-request", code: ownCode, progress, message, cause: own, asIs: own };
  return { kind, code: ownCode, progress, message, cause: own.cause, asIs: own };
}
