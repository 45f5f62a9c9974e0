import { Code } from "@connectrpc/connect";
import type { AttemptOutcome, Pick, PickInfo, PickTracker } from "../balancing/picker.ts";
import { type Failure, withProgress } from "../base/errors.ts";
import type { HeaderFields, Stream, StreamListener } from "../http2/connection.ts";
import { http2ErrorCode } from "../http2/error-codes.ts";
import type { Events } from "../observe/events.ts";
import { callUserCode, reportUserCode } from "../observe/user-code.ts";
import type { CallSource, PendingCall } from "../pool/call-source.ts";
import { MessageReader, type MessageSink, tooLargeText } from "../protocol/framing.ts";
import { fieldOf, headFailure, readStatus } from "../protocol/grpc/status.ts";
import { timeoutHeader } from "../protocol/grpc/timeout.ts";
import type { MessageMemory } from "../protocol/message-memory.ts";
import { noFields } from "../protocol/metadata.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Backend } from "../subchannel/backend.ts";
import type { CallConnection } from "../subchannel/call-connection.ts";
import type { CallRequest } from "./call.ts";

/** Told how one attempt goes. */
export interface AttemptOwner {
  /** The request has a stream. Unless its body was known and went with it, what is buffered can be written. */
  attemptStarted(attempt: Attempt): void;
  /** Response headers that end nothing: the peer began to answer. */
  attemptHeaders(attempt: Attempt, fields: HeaderFields): void;
  attemptMessage(attempt: Attempt, flag: number, payload: Uint8Array): void;
  attemptWritable(attempt: Attempt): void;
  /** Exactly once, and last, unless the owner gave the attempt up. */
  attemptEnded(attempt: Attempt, failure: Failure | undefined): void;
}

/** What attempts share. */
export interface AttemptContext {
  readonly source: CallSource;
  readonly clock: Clock;
  readonly events: Events;
  readonly readMaxBytes: number;
  readonly messageMemory: MessageMemory;
}

/** One try of a call on one backend: finds the backend, sends the request, reads the response and its status. */
export class Attempt implements StreamListener, PendingCall, MessageSink {
  readonly pickInfo: PickInfo;
  readonly waitForReady: boolean;
  /** As the picker named it; undefined until the request is on a stream. */
  backend: Backend | undefined;
  /** What the stream is on. */
  connection: CallConnection | undefined;
  headers: HeaderFields = noFields;
  trailers: HeaderFields = noFields;
  readonly #context: AttemptContext;
  readonly #request: CallRequest;
  readonly #owner: AttemptOwner;
  /** Attempts of this call that reached a backend before: grpc-previous-rpc-attempts. */
  readonly #previous: number;
  readonly #reader: MessageReader;
  #stream: Stream | undefined;
  #tracker: PickTracker | undefined;
  #startedMs = 0;
  #requestEnded: boolean;
  #waits = false;
  #done = false;

  constructor(
    context: AttemptContext,
    request: CallRequest,
    pickInfo: PickInfo,
    waitForReady: boolean,
    previous: number,
    owner: AttemptOwner,
  ) {
    this.#context = context;
    this.#request = request;
    this.pickInfo = pickInfo;
    this.waitForReady = waitForReady;
    this.#previous = previous;
    this.#owner = owner;
    this.#reader = new MessageReader(context.readMaxBytes, context.messageMemory);
    this.#requestEnded = request.body !== undefined;
  }

  /** True once a byte of a response message has come: the handler has answered. */
  get messageStarted(): boolean {
    return this.#reader.started;
  }

  /** True while the request is on a stream that takes bytes. */
  get isOnStream(): boolean {
    return this.#stream !== undefined && !this.#done;
  }

  start(): void {
    this.#waits = true;
    this.#context.source.dispatch(this);
  }

  write(bytes: Uint8Array): boolean {
    return this.#stream?.write(bytes) ?? false;
  }

  end(bytes?: Uint8Array): void {
    this.#requestEnded = true;
    this.#stream?.end(bytes);
  }

  pause(): void {
    this.#stream?.pause();
  }

  resume(): void {
    this.#stream?.resume();
  }

  /**
   * Gives the attempt up, because of `failure`: the stream is reset with CANCEL, and the owner hears nothing more. A
   * backend that did not answer in time has failed; one that was not asked for an answer any more has not.
   */
  abandon(failure: Failure): void {
    if (this.#done) return;
    this.#done = true;
    if (failure.code === Code.DeadlineExceeded) this.connection?.noteFailure();
    if (this.#waits) this.#context.source.withdraw(this);
    this.#stream?.reset(http2ErrorCode.cancel);
    if (this.#tracker !== undefined) this.#track(this.#tracker, failure);
  }

  /** It timed out. Is its peer slow, or gone? One PING decides, which leaves ahead of what `abandon` sends. */
  suspect(): void {
    this.connection?.suspect();
  }

  onPicked(connection: CallConnection, pick: Pick): void {
    this.#waits = false;
    const { head, body } = this.#request;
    const stream = connection.request(head, this.#fields(pick.metadata), body, this);
    if (stream === undefined) {
      // The connection was lost between the pick and now: nothing was sent, so pick again.
      this.start();
      return;
    }
    this.backend = pick.backend;
    this.connection = connection;
    this.#stream = stream;
    if (pick.tracker !== undefined) this.#startTracking(pick.tracker);
    this.#owner.attemptStarted(this);
  }

  onPickFailed(failure: Failure): void {
    this.#waits = false;
    this.#end(failure);
  }

  onHeaders(status: number, fields: HeaderFields, endStream: boolean): void {
    if (this.#done) return;
    this.headers = fields;
    this.connection?.noteAnswer();
    const failure = headFailure(status, fields, this.#address);
    if (failure !== undefined) this.#failAndReset(failure);
    else if (endStream) this.#endWithStatus(fields);
    else this.#owner.attemptHeaders(this, fields);
  }

  onData(bytes: Uint8Array, start: number, end: number): void {
    if (!this.#done) this.#reader.push(bytes, start, end, this);
  }

  message(flag: number, payload: Uint8Array): boolean {
    this.#owner.attemptMessage(this, flag, payload);
    return !this.#done;
  }

  tooLarge(length: number): void {
    const { readMaxBytes } = this.#context;
    const message = tooLargeText(length, "readMaxBytes", readMaxBytes);
    this.#failAndReset(this.#failure("message-size", Code.ResourceExhausted, message));
  }

  onTrailers(fields: HeaderFields): void {
    if (this.#done) return;
    this.trailers = fields;
    this.#endWithStatus(fields);
  }

  onWritable(): void {
    if (!this.#done) this.#owner.attemptWritable(this);
  }

  onClosed(failure: Failure | undefined): void {
    if (this.#done) return;
    if (failure === undefined) this.#endWithStatus(this.trailers);
    // A peer that answered has processed the request, whatever a late GOAWAY says.
    else this.#end(this.headers.length > 0 ? withProgress(failure, "unknown") : failure);
  }

  get #address(): string {
    return this.connection?.address ?? "";
  }

  #fields(added: HeaderFields | undefined): HeaderFields {
    const { metadata, deadlineMs } = this.#request;
    const hasDeadline = deadlineMs !== Number.POSITIVE_INFINITY;
    if (!hasDeadline && this.#previous === 0 && added === undefined) return metadata;
    const fields = added === undefined ? [...metadata] : [...metadata, ...added];
    if (hasDeadline) fields.push("grpc-timeout", timeoutHeader(deadlineMs - this.#context.clock.now()));
    if (this.#previous > 0) fields.push("grpc-previous-rpc-attempts", String(this.#previous));
    return fields;
  }

  #endWithStatus(fields: HeaderFields): void {
    let result = readStatus(
      fields,
      () => (fields === this.headers ? fields : [...fields, ...this.headers]),
      this.#address,
    );
    // Trailers-only by intent: a proxy may end such a response with an empty DATA frame instead of with its headers.
    if (!result.found && !this.#reader.started) result = readStatus(this.headers, () => this.headers, this.#address);
    let failure = result.found
      ? result.failure
      : this.#failure("protocol", Code.Internal, "protocol error: missing status");
    if (failure === undefined && !this.#reader.isAtBoundary) {
      failure = this.#failure("protocol", Code.Internal, "protocol error: the response ended within a message");
    }
    // The peer may answer before it has read the request; nobody needs the rest of it then.
    if (this.#requestEnded) this.#end(failure);
    else this.#failAndReset(failure);
  }

  #failure(kind: "protocol" | "message-size", code: Code, message: string): Failure {
    const wire = { metadata: this.headers, details: [], isWireError: false };
    return { kind, code, progress: "unknown", message, address: this.#address, wire };
  }

  #failAndReset(failure: Failure | undefined): void {
    const stream = this.#stream;
    this.#end(failure);
    stream?.reset(http2ErrorCode.cancel);
  }

  #end(failure: Failure | undefined): void {
    this.#done = true;
    if (failure !== undefined) this.connection?.noteFailure();
    if (this.#tracker !== undefined) this.#track(this.#tracker, failure);
    this.#owner.attemptEnded(this, failure);
  }

  #startTracking(tracker: PickTracker): void {
    this.#tracker = tracker;
    this.#startedMs = this.#context.clock.now();
    callUserCode(
      () => tracker.started(),
      [],
      (error) => this.#trackerFailed(error),
    );
  }

  #track(tracker: PickTracker, failure: Failure | undefined): void {
    const latencyMs = this.#context.clock.now() - this.#startedMs;
    const trailers = this.trailers.length > 0 ? this.trailers : this.headers;
    const outcome: AttemptOutcome = { failure, latencyMs, trailers };
    callUserCode(
      () => tracker.ended(outcome),
      [],
      (error) => this.#trackerFailed(error),
    );
  }

  #trackerFailed(error: unknown): void {
    reportUserCode(this.#context.events, "pick tracker", error);
  }
}

/** What the peer asked for with `grpc-retry-pushback-ms` (gRFC A6): a wait, "stop" where it is not one, or nothing. */
export function pushbackOf(attempt: Attempt): number | "stop" | undefined {
  const text =
    fieldOf(attempt.trailers, "grpc-retry-pushback-ms") ?? fieldOf(attempt.headers, "grpc-retry-pushback-ms");
  if (text === undefined) return undefined;
  if (!/^\d{1,10}$/.test(text)) return "stop";
  const ms = Number(text);
  // A6: an int32; what does not fit is not a wait.
  return ms < 2 ** 31 ? ms : "stop";
}
