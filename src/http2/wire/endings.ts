import type { Code } from "@connectrpc/connect";
import { connectionFailure, type Failure, withProgress } from "../../base/errors.ts";
import { peerText } from "../../base/peer-text.ts";
import { describeCause } from "../../base/thrown.ts";
import { type Goaway, goawayFailure, http2ErrorCode } from "../error-codes.ts";

/** How a connection ends, as told to its streams, to the peer and to its listener. */
export interface Ending {
  /** Of a stream whose HEADERS have left (`unknown`) or have not (`unsent`). */
  readonly failureOf: (streamId: number, progress: "unknown" | "unsent") => Failure;
  /** GOAWAY for the peer; undefined where nobody would read it. */
  readonly goaway: { readonly code: number; readonly debug: string } | undefined;
  readonly toldFailure: Failure | undefined;
  /** Why there is no connection, for a dial that is not over yet. */
  readonly dialError: unknown;
  /** The listener hears of an end that this side asked for when the socket is closed too, of any other at once. */
  readonly isAskedFor: boolean;
}

/** This side closes the connection, whatever is open. */
export function closed(failure: Failure): Ending {
  return {
    failureOf: (_, progress) => withProgress(failure, progress),
    goaway: { code: http2ErrorCode.noError, debug: "" },
    toldFailure: failure,
    dialError: new Error(failure.message),
    isAskedFor: true,
  };
}

/** The connection was to take no new streams, and the last one is over. */
export function drained(address: string): Ending {
  return {
    failureOf: (_, progress) => lossFailure(address, undefined, progress),
    goaway: { code: http2ErrorCode.noError, debug: "" },
    toldFailure: undefined,
    dialError: undefined,
    isAskedFor: true,
  };
}

/** What a peer did that ends a connection. */
export interface Breach {
  /** The code of our GOAWAY, and its text. */
  readonly code: number;
  readonly debug: string;
  /** For those who lose the connection. */
  readonly message: string;
  /** The stream on which the peer did it, and the code of its failure; undefined where it is nobody's own. */
  readonly culprit: { readonly streamId: number; readonly code: Code } | undefined;
}

/**
 * The peer broke HTTP/2, or floods us. Where it did so in answer to one call, that is this call's own failure: repeated
 * elsewhere it would cost the next connection too.
 */
export function breached(address: string, { code, debug, message, culprit }: Breach): Ending {
  const failure = connectionFailure("connection-error", address, "unknown", message);
  return {
    failureOf: (streamId, progress) =>
      streamId === culprit?.streamId
        ? { kind: "protocol", code: culprit.code, progress: "unknown", message, address }
        : withProgress(failure, progress),
    goaway: { code, debug },
    toldFailure: failure,
    dialError: new Error(message),
    isAskedFor: false,
  };
}

/** The socket is of no use any more. What the peer said before, if it did, is the reason. */
export function lost(address: string, goaway: Goaway | undefined, cause: unknown): Ending {
  return {
    failureOf: (streamId, progress) => {
      if (goaway === undefined) return lossFailure(address, cause, progress);
      const failure = goawayFailure(address, goaway, streamId);
      return progress === "unsent" ? withProgress(failure, "unsent") : failure;
    },
    goaway: undefined,
    toldFailure: goaway === undefined ? lossFailure(address, cause, "unknown") : undefined,
    dialError: cause ?? new Error("the peer closed the connection"),
    isAskedFor: false,
  };
}

/** The connection ended under a stream. Without a cause the peer closed it. */
export function lossFailure(address: string, cause: unknown, progress: "unknown" | "unsent"): Failure {
  const why = cause === undefined ? "the peer closed it" : peerText(describeCause(cause));
  return { ...connectionFailure("connection-lost", address, progress, `the connection was lost: ${why}`), cause };
}
