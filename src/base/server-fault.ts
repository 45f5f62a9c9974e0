import { Code } from "@connectrpc/connect";
import type { Failure } from "./errors.ts";

/** What a server, or the way to it, is to blame for. The others tell of the request, or of the caller. */
const serverCodes: ReadonlySet<Code> = new Set([
  Code.Unavailable,
  Code.Internal,
  Code.Unknown,
  Code.DataLoss,
  Code.ResourceExhausted,
  Code.DeadlineExceeded,
]);

/** Whether a failure speaks against the backend that an attempt went to. What is decided on this side does not. */
export function isServerFault({ code, kind, inGoodOrder }: Failure): boolean {
  if (kind === "message-size" || kind === "closed" || kind === "drain-timeout" || inGoodOrder) return false;
  return serverCodes.has(code);
}
