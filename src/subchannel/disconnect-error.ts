import type { Failure } from "../base/errors.ts";
import { codeOf } from "../base/thrown.ts";

/** What `grpc.disconnect_error` says of a connection that this side took out of service (gRFC A94). */
export const ownDisconnect = "subchannel shutdown";

/** What it says of one that was lost. Few values: it is a label of metrics. */
export function disconnectErrorOf(failure: Failure | undefined): string {
  if (failure?.kind === "ping-timeout") return "connection timed out";
  const code = codeOf(failure?.cause);
  switch (code) {
    case undefined:
      return "unknown";
    case "ECONNRESET":
    case "EPIPE":
      return "connection reset";
    case "ETIMEDOUT":
      return "connection timed out";
    case "ECONNABORTED":
      return "connection aborted";
    default:
      return "socket error";
  }
}
