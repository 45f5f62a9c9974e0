import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Where the recorded sessions lie, one a file. `record.ts` writes them. */
export const sessionsFolder: string = join(import.meta.dirname, "sessions");

/** What one connection to a real server brought, and what was asked of it: enough to do it again without the server. */
export interface RecordedSession {
  /** Who served, with its version. */
  readonly peer: string;
  /** What was called, in words. */
  readonly about: string;
  /** In the order in which they began: stream ids 1, 3, 5, … */
  readonly calls: readonly RecordedCall[];
  /** What the server sent, in the slices in which it came. */
  readonly chunks: readonly RecordedChunk[];
  /** How the connection was after the last call. */
  readonly connection: RecordedConnection;
}

/** One call: the request, and how it ended. */
export interface RecordedCall {
  /** Calls of a round begin together, once all of the round before have ended. From 0. */
  readonly round: number;
  /** `:path`. */
  readonly path: string;
  /** Request metadata: names and values in turn. */
  readonly fields: readonly string[];
  /** The gRPC messages of the request with their prefixes, in hex. */
  readonly messages: readonly string[];
  /**
   * - `whole`: the only message goes with the request.
   * - `streamed`: all messages at once, then the end.
   * - `in-turn`: each message but the first after one more message of the response, then the end.
   */
  readonly sends: "whole" | "streamed" | "in-turn";
  /** The call is reset with CANCEL after so many messages of the response. */
  readonly cancelAfter?: number;
  readonly outcome: CallOutcome;
}

export type CallOutcome =
  | {
      /** The response came to its end. */
      readonly type: "ended";
      readonly httpStatus: number;
      /** From the trailers; from the headers where the server sent nothing else. */
      readonly grpcStatus?: string;
      readonly trailersOnly: boolean;
      /** Messages of the response, and their bytes with prefixes. */
      readonly messages: number;
      readonly bytes: number;
    }
  | { readonly type: "canceled" }
  | { readonly type: "failed"; readonly kind: string; readonly code: number; readonly progress: string };

export interface RecordedChunk {
  /** What the client had sent when the chunk came. The server may have waited for it, so a player waits too. */
  readonly after: {
    /** HEADERS frames. */
    readonly calls: number;
    /** Payload bytes of DATA frames. */
    readonly bytes: number;
  };
  readonly hex: string;
}

/** `goawayCode` is there where the server said GOAWAY; `closed`: the connection ended with its last call. */
export interface RecordedConnection {
  readonly goawayCode?: number;
  readonly closed: boolean;
}

/** All sessions, by file name without its ending. */
export function recordedSessions(): ReadonlyMap<string, RecordedSession> {
  const files = readdirSync(sessionsFolder).filter((name) => name.endsWith(".json"));
  return new Map(
    files.sort().map((name) => {
      const session = JSON.parse(readFileSync(join(sessionsFolder, name), "utf8")) as RecordedSession;
      return [name.slice(0, -".json".length), session];
    }),
  );
}
