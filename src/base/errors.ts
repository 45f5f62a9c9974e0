import { Code, type ConnectError } from "@connectrpc/connect";
import { peerText } from "./peer-text.ts";
import { asConnectError, type CauseFact, causeFactOf, describeCause, messageOf } from "./thrown.ts";

/**
 * How far a request got, decided from HTTP/2 facts alone and before any status is looked at:
 * - `unsent`: nothing of it reached the peer.
 * - `refused`: the peer proved that it did not process it (REFUSED_STREAM, or a stream id above GOAWAY's last id;
 *   RFC 9113 §6.8, §8.7).
 * - `unknown`: it may have run.
 */
export type Progress = "unsent" | "refused" | "unknown";

/** Every way a call can fail. docs/errors.md explains each; a test holds the two together. */
export type FailureKind =
  | "name-resolution"
  | "no-backend"
  | "dropped"
  | "dial"
  | "connect-timeout"
  | "proxy"
  | "connection-lost"
  | "connection-error"
  | "goaway"
  | "ping-timeout"
  | "no-streams"
  | "idle"
  | "drain-timeout"
  | "stream-reset"
  | "status"
  | "http-status"
  | "protocol"
  | "message-size"
  | "encoding"
  | "invalid-response"
  | "deadline"
  | "attempt-timeout"
  | "canceled"
  | "closed"
  | "queue-full"
  | "too-many-calls"
  | "not-admitted"
  | "invalid-request";

/** A failure as plain data: cheap to make and to decide on. It becomes a ConnectError only where a user sees it. */
export interface Failure {
  /** Which way of failing it is. */
  readonly kind: FailureKind;
  /** The status code of the error that the caller gets. */
  readonly code: Code;
  /** How far the request got. */
  readonly progress: Progress;
  /** What happened, and what to do where one can know. Without code, address and attempts: the mapping adds those. */
  readonly message: string;
  /** The backend, as formatAddress writes it. */
  readonly address?: string | undefined;
  /** The server ends its connection as planned (GOAWAY with NO_ERROR): it is well, and so are others. */
  readonly inGoodOrder?: boolean | undefined;
  /** The original error of Node, zlib, protobuf or the user's own code. */
  readonly cause?: unknown;
  /** The user's own error, from a signal, an interceptor or a request stream: it comes back unchanged. */
  readonly asIs?: ConnectError | undefined;
  /** The peer's status: metadata and details reach the user unchanged, and the message without additions. */
  readonly wire?: WireStatus | undefined;
}

/** What a peer's grpc-status came with. */
export interface WireStatus {
  /** Response headers and trailers, names and values in turn. */
  readonly metadata: readonly string[];
  /** The messages of google.rpc.Status: each has the name of its type, and its bytes as protobuf writes them. */
  readonly details: readonly {
    /** `google.rpc.RetryInfo`, say. */
    readonly type: string;
    /** Serialized. */
    readonly value: Uint8Array<ArrayBuffer>;
  }[];
  /** True when it is the server's own status and not one that we derived from a broken response. */
  readonly isWireError: boolean;
}

/** The same failure for a stream that got further, or less far, than the one it was made for. */
export function withProgress(failure: Failure, progress: Progress): Failure {
  return failure.progress === progress ? failure : { ...failure, progress };
}

/** A failure as events and snapshots tell it. The texts of a server's own status and of the caller's reasons are not in it. */
export interface FailureFact {
  /** Which way of failing it is: docs/errors.md explains each. */
  readonly kind: FailureKind;
  /** The status code. */
  readonly code: Code;
  /** How far the request got. */
  readonly progress: Progress;
  /** What happened. Of a server's own status only its code, and of what the caller threw or aborted with nothing. */
  readonly message: string;
  /** The original error, as plain data. */
  readonly cause?: CauseFact;
}

export function factOf(failure: Failure): FailureFact {
  const { kind, code, progress, cause, asIs } = failure;
  const foreign = foreignText(kind, code);
  if (foreign !== undefined && (kind === "status" || cause !== undefined || asIs !== undefined)) {
    return { kind, code, progress, message: foreign };
  }
  const fact = { kind, code, progress, message: failure.message };
  return cause === undefined ? fact : { ...fact, cause: causeFactOf(cause) };
}

/**
 * What is published in place of a text that may be the server's or the caller's: the message of a status, the reason of a
 * signal, what was wrong with a message. It may say anything of what was called, and for whom. Undefined: of such a
 * failure the text is glink's.
 */
export function foreignText(kind: FailureKind, code: Code): string | undefined {
  switch (kind) {
    case "status":
      return `the server answered with the status ${Code[code]}`;
    case "canceled":
      return "the caller ended the call";
    case "deadline":
      return "the operation timed out";
    case "invalid-request":
      return "the request could not be made";
    case "invalid-response":
      return "the response could not be read";
    default:
      return undefined;
  }
}

/** The name could not be resolved, and there is no earlier answer to go on with. */
export function nameResolutionFailure(name: string, cause: unknown): Failure {
  // A resolver may ask several servers, and says of each what it answered.
  const message = `cannot resolve ${name}: ${peerText(describeCause(cause), 1_000)}`;
  return { kind: "name-resolution", code: Code.Unavailable, progress: "unsent", message, cause };
}

/** The resolver knows that there is nothing to connect to. */
export function noEndpointsFailure(name: string): Failure {
  const message = `the resolver says that ${name} has no endpoints`;
  return { kind: "no-backend", code: Code.Unavailable, progress: "unsent", message };
}

/** No backend is ready, and none is expected soon. `last` is the newest failure of a dial or of the resolver. */
export function noBackendFailure(what: string, last: Failure | undefined): Failure {
  return {
    kind: "no-backend",
    code: Code.Unavailable,
    progress: "unsent",
    message: last === undefined ? what : `${what}; last error: ${last.message}`,
    address: last?.address,
    cause: last?.cause,
  };
}

/** A connection ended or could not be used, whatever the errno: always Unavailable. */
export function connectionFailure(
  kind: "connection-lost" | "connection-error" | "ping-timeout" | "no-streams" | "idle" | "drain-timeout",
  address: string,
  progress: Progress,
  message: string,
): Failure {
  return { kind, code: Code.Unavailable, progress, message, address };
}

/** The call's own deadline passed: decided on this side, or by a server that noticed first. */
export function deadlineFailure(address?: string, cause?: unknown): Failure {
  const message = "the operation timed out";
  return { kind: "deadline", code: Code.DeadlineExceeded, progress: "unknown", message, address, cause };
}

/**
 * The caller's signal was aborted, or the response was left before its end. A ConnectError as the reason is what the
 * caller wants to see; an interceptor's deadline comes this way too.
 */
export function canceledFailure(reason: unknown): Failure {
  const own = asConnectError(reason);
  if (own !== undefined) {
    const kind = own.code === Code.DeadlineExceeded ? "deadline" : "canceled";
    return { kind, code: own.code, progress: "unknown", message: own.rawMessage, cause: own, asIs: own };
  }
  const message = canceledText(reason);
  return { kind: "canceled", code: Code.Canceled, progress: "unknown", message, cause: reason };
}

function canceledText(reason: unknown): string {
  const text = typeof reason === "string" ? reason : messageOf(reason);
  return text === undefined || text === "" ? "the call was canceled" : text;
}

/** The transport was closed: before the call began, or by cutting it. */
export function closedFailure(when: "before" | "cut"): Failure {
  return when === "before"
    ? {
        kind: "closed",
        code: Code.FailedPrecondition,
        progress: "unsent",
        message: "the transport was closed: create a new one to make calls",
      }
    : {
        kind: "closed",
        code: Code.Canceled,
        progress: "unknown",
        message: "the transport was closed while the call was open",
      };
}
