import { ConnectError } from "@connectrpc/connect";
import { canceledFailure, type Failure, type FailureKind, type Progress } from "./errors.ts";

/** What the mapping adds to a failure's text. */
export interface FailureContext {
  /** Attempts made, the first included; 0 when none was. */
  readonly attempts: number;
  /** Why there was no further attempt, where that needs saying. */
  readonly note?: string | undefined;
}

/** How a call failed, beside what its error says: for programs, and for the server's own status, whose text is not touched. */
export interface CallFailure {
  /** Which way of failing it was: docs/errors.md explains each. */
  readonly kind: FailureKind;
  /** How far the request got. */
  readonly progress: Progress;
  /** The backend of the last attempt, if there was one. */
  readonly address: string | undefined;
  /** Attempts made, the first included; 0 when none was. */
  readonly attempts: number;
  /** Why there was no further attempt, where that needs saying: "the retry budget is used up", say. */
  readonly note: string | undefined;
}

/** From the global registry, so that two copies of this package in one process agree. */
const callFailure = Symbol.for("glink.callFailure");

/**
 * What is known of the call that rejected with `error`: kind, backend, attempts, and why there was no other. Undefined
 * for errors that are not glink's: the reason of a signal, or what an interceptor or a request iterable threw.
 */
export function callFailureOf(error: unknown): CallFailure | undefined {
  return error instanceof Error ? (error as { [callFailure]?: CallFailure })[callFailure] : undefined;
}

/**
 * The one mapping from a failure to the error a user catches.
 *
 * A server's own status is passed on to the letter. For everything else the text names the backend and the number of
 * attempts, and `cause` keeps the original error.
 */
export function toConnectError(failure: Failure, context: FailureContext): ConnectError {
  if (failure.asIs !== undefined) return failure.asIs;
  const error = newConnectError(failure, context);
  const { kind, progress, address } = failure;
  const { attempts, note } = context;
  // Not enumerable: loggers and assertions see the error as Connect makes it.
  Object.defineProperty(error, callFailure, {
    value: { kind, progress, address, attempts, note } satisfies CallFailure,
  });
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
