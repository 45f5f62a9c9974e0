import type { HeaderFields } from "../../http2/connection.ts";
import { timeoutHeader } from "./timeout.ts";

/** gRFC A6. */
export const previousAttemptsName = "grpc-previous-rpc-attempts";

/** The headers of one attempt, beside its head: see Protocol.attemptFields. */
export function attemptFields(
  metadata: HeaderFields,
  added: HeaderFields | undefined,
  remainingMs: number,
  previousAttempts: number,
): HeaderFields {
  const hasDeadline = remainingMs !== Number.POSITIVE_INFINITY;
  if (!hasDeadline && previousAttempts === 0 && added === undefined) return metadata;
  const fields = added === undefined ? [...metadata] : [...metadata, ...added];
  if (hasDeadline) fields.push("grpc-timeout", timeoutHeader(remainingMs));
  if (previousAttempts > 0) fields.push(previousAttemptsName, String(previousAttempts));
  return fields;
}
