import type { Failure } from "../base/errors.ts";
import type { MethodSpec } from "../base/method-spec.ts";
import type { HeaderFields, MethodHead, Stream, StreamListener } from "../http2/connection.ts";

/** What is counted for a backend over all its connections. */
export class BackendCounters {
  /** Attempts that got a stream. */
  callsStarted = 0;
  callsSucceeded = 0;
  callsFailed = 0;
  dialsSucceeded = 0;
  dialsFailed = 0;
  disconnections = 0;
}

/** What an attempt sent. */
export interface AttemptedRequest {
  readonly method: MethodSpec;
  /** In clock time; `Infinity` without one. */
  readonly deadlineMs: number;
}

/**
 * One connection to a backend, as an attempt of a call sees it. The backend may have another by the time the peer answers;
 * the attempt keeps the one that it was put on.
 */
export interface CallConnection {
  /** The text of the backend's address: for errors. */
  readonly address: string;
  /** Messages of all attempts that had a stream here: whoever sends or receives one counts it. */
  messagesSent: number;
  messagesReceived: number;
  /** Starts a request. Undefined when the connection takes none any more: nothing was sent, and the listener hears nothing. */
  request(
    head: MethodHead,
    fields: HeaderFields,
    body: Uint8Array | undefined,
    listener: StreamListener,
  ): Stream | undefined;
  /** The peer answered an attempt, with whatever status. */
  noteAnswer(): void;
  /** An attempt that had a stream here ended: undefined, it succeeded. */
  noteEnd(failure: Failure | undefined, request: AttemptedRequest): void;
  /** An attempt here timed out: is the peer slow, or gone? To be called while its stream is still open. */
  suspect(): void;
}
