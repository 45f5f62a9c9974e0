import { type Code, ConnectError } from "@connectrpc/connect";
import { canceledFailure, type Failure, type FailureKind } from "./errors.ts";
import { earlyKindOf, noteFailure } from "./glink-failure.ts";

/** What the mapping adds to a failure's text. */
export interface FailureContext {
  /** Attempts made, the first included; 0 when none was. */
  readonly attempts: number;
  /** Why there was no further attempt, where that needs saying. */
  readonly note?: string | undefined;
}

/**
 * The one mapping from a failure to the error a user catches.
 *
 * A server's own status is passed on to the letter. For everything else the text names the backend and the number of
 * attempts, and `cause` keeps the original error.
 */
export function toConnectError(failure: Failure, context: FailureContext): ConnectError {
  const { kind, progress, address, asIs } = failure;
  const { attempts, note } = context;
  const error = asIs ?? newConnectError(failure, context);
  // What is the user's own says nothing of this call, and may be the error of another one.
  if (asIs === undefined || earlyKindOf(asIs) !== undefined)
    noteFailure(error, { kind, progress, attempts, address, note });
  return error;
}

/**
 * An error to throw where it is not known how far the call got: of what is written, read or asked for. Its kind goes with
 * it, and {@link toConnectError} adds the rest.
 */
export function earlyError(kind: FailureKind, code: Code, message: string, cause?: unknown): ConnectError {
  const error = new ConnectError(message, code, undefined, undefined, cause);
  noteFailure(error, { kind, progress: "unsent", attempts: 0, address: undefined, note: undefined, isEarly: true });
  return error;
}

function newConnectError(failure: Failure, context: FailureContext): ConnectError {
  const { wire, cause } = failure;
  const metadata = wire === undefined ? undefined : headersOf(wire.metadata);
  if (wire?.isWireError) {
    const error = new ConnectError(failure.message, failure.code, metadata, undefined, cause);
    error.details = [...wire.details];
    error.isWireError = true;
    return error;
  }
  const parts: string[] = [];
  if (failure.address !== undefined) parts.push(`backend ${failure.address}`);
  if (context.attempts > 1) parts.push(`${context.attempts} attempts`);
  if (context.note !== undefined) parts.push(context.note);
  const message = parts.length === 0 ? failure.message : `${failure.message} (${parts.join(", ")})`;
  return new ConnectError(message, failure.code, metadata, undefined, cause);
}

/** Builds the Headers a user sees from a flat list. Pseudo-headers are left out, repeated names are joined. */
export function headersOf(fields: readonly string[]): Headers {
  const headers = new Headers();
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const name = fields[i] as string;
    if (name.startsWith(":")) continue;
    try {
      headers.append(name, fields[i + 1] as string);
    } catch {
      // HTTP/2 lets through what the Fetch standard refuses, a NUL or a line break among them. Such a field is
      // nothing a user could have asked for, and losing it must not lose the response.
    }
  }
  return headers;
}

/** The error of a caller's signal, if it is aborted. */
export function abortErrorOf(signal: AbortSignal | undefined): ConnectError | undefined {
  return signal?.aborted ? toConnectError(canceledFailure(signal.reason), { attempts: 0 }) : undefined;
}
