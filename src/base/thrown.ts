import { types } from "node:util";
import { Code, ConnectError } from "@connectrpc/connect";
import { peerText } from "./peer-text.ts";

// What code of others throws may be any value: an object without a prototype, a `toString` or a getter that throws, a
// Proxy that is revoked. Everything here takes such a value and does not throw, because it runs where a call ends, and
// a call that cannot end would wait for ever.

/** The value's text, and its `code` where it is an error of Node's that does not say it. */
export function describeCause(cause: unknown): string {
  try {
    if (!isError(cause)) return String(cause);
    const { code, errors } = cause as { code?: unknown; errors?: unknown };
    if (Array.isArray(errors)) return errors.map(describeCause).join("; ");
    // A message may be anything too.
    const message = String(cause.message);
    return typeof code === "string" && !message.includes(code) ? `${code}: ${message}` : message;
  } catch {
    return "a value that has no text";
  }
}

/**
 * An error as events and snapshots tell it: plain data, because an error of Node's may hold sockets and certificates
 * that refer to themselves, and loggers write JSON.
 */
export interface CauseFact {
  /** Of an error its name, of anything else its type. */
  readonly name: string;
  /** `ECONNREFUSED`, `ERR_TLS_CERT_ALTNAME_INVALID` or such, and the numbers of other libraries. */
  readonly code?: string | number;
  /** Its text; what a peer may have sent has visible escapes. */
  readonly message: string;
}

/** What is published of a cause. Node's texts may quote what a peer sent, and resolvers may name an error by it. */
export function causeFactOf(cause: unknown): CauseFact {
  try {
    const [name, message] = isError(cause)
      ? [String(cause.name), String(cause.message)]
      : [typeof cause, describeCause(cause)];
    const { code } = (cause ?? {}) as { code?: unknown };
    const fact = { name: peerText(name), message: peerText(message) };
    if (typeof code === "number") return { ...fact, code };
    return typeof code === "string" ? { ...fact, code: peerText(code) } : fact;
  } catch {
    return { name: typeof cause, message: "a value that has no text" };
  }
}

/** The message of an error. */
export function messageOf(thrown: unknown): string | undefined {
  try {
    return isError(thrown) ? String(thrown.message) : undefined;
  } catch {
    return undefined;
  }
}

/** The `code` of an error, where it has one that is a string. */
export function codeOf(thrown: unknown): string | undefined {
  try {
    const { code } = thrown as { code?: unknown };
    return typeof code === "string" ? code : undefined;
  } catch {
    return undefined;
  }
}

/** The same value if it is a ConnectError, of this copy of Connect or another one, whose code and text can be read. */
export function asConnectError(thrown: unknown): ConnectError | undefined {
  try {
    if (!(thrown instanceof ConnectError)) return undefined;
    return typeof thrown.code === "number" && typeof thrown.rawMessage === "string" ? thrown : undefined;
  } catch {
    return undefined;
  }
}

/** As `ConnectError.from`: the value itself, or an error with code Unknown that has its text and has it as the cause. */
export function connectErrorFrom(thrown: unknown): ConnectError {
  try {
    return ConnectError.from(thrown);
  } catch {
    return new ConnectError(describeCause(thrown), Code.Unknown, undefined, undefined, thrown);
  }
}

/** Node's own errors are no instances of the Error that code within a `vm` context sees, where Jest runs tests. */
function isError(value: unknown): value is Error {
  return value instanceof Error || types.isNativeError(value);
}
