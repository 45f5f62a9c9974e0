import { Code } from "@connectrpc/connect";
import type { Pick, PickInfo } from "../balancing/picker.ts";
import { type Failure, withProgress } from "../base/errors.ts";
import type { HeaderFields, Stream, StreamListener } from "../http2/connection.ts";
import { http2ErrorCode } from "../http2/error-codes.ts";
import type { PendingCall } from "../pool/call-source.ts";
import { endWithMessage, type FramedMessage, PrefixedMessage, writeMessage } from "../protocol/framed-message.ts";
import { noFields } from "../protocol/metadata.ts";
import { type MessageListener, noResponse, type ReceivedResponse, type ResponseReader } from "../protocol/protocol.ts";
import type { Backend } from "../subchannel/backend.ts";
import type { CallConnection } from "../subchannel/call-connection.ts";
import type { AttemptCall } from "./attempt-call.ts";
import type { AttemptContext } from "./attempt-context.ts";
import { type AttemptState, hasEnded } from "./attempt-state.ts";
import type { AttemptTrace } from "./attempt-trace.ts";
import { AttemptWait } from "./attempt-wait.ts";
import type { CallRequest } from "./call.ts";
import type { AnsweredAttempt, ReceivedMessage } from "./response-gate.ts";
import { TrackedPick } from "./tracked-pick.ts";

/** One try of a call on one backend: finds the backend, sends the request, reads the response and its status. */
export class Attempt implements StreamListener, PendingCall, MessageListener, AnsweredAttempt {
  /** As the picker named it; undefined until the request is on a stream. */
  backend: Backend | undefined;
  /** What the stream is on. */
  connection: CallConnection | undefined;
  /** The response gate's. */
  heldMessage: ReceivedMessage | undefined;
  readonly trace: AttemptTrace | undefined;
  readonly #context: AttemptContext;
  readonly #request: CallRequest;
  readonly #call: AttemptCall<Attempt>;
  #state: AttemptState = "new";
  #wait: AttemptWait | undefined;
  #stream: Stream | undefined;
  #reader: ResponseReader | undefined;
  #tracked: TrackedPick | undefined;
  #requestEnded: boolean;

  constructor(
    context: AttemptContext,
    request: CallRequest,
    call: AttemptCall<Attempt>,
    trace: AttemptTrace | undefined,
  ) {
    this.#context = context;
    this.#request = request;
    this.#call = call;
    this.trace = trace;
    this.#requestEnded = request.body !== undefined;
  }

  get pickInfo(): PickInfo {
    return this.#call.pickInfo;
  }

  get waitForReady(): boolean {
    return this.#call.waitForReady;
  }

  get requestBytes(): number {
    return this.#request.body?.length ?? 0;
  }

  /** What has come of the response. */
  get response(): ReceivedResponse {
    return this.#reader ?? noResponse;
  }

  /** True while the request is on a stream that takes bytes. */
  get isOnStream(): boolean {
    return this.#state === "open";
  }

  start(): void {
    this.#enter("waiting");
    this.#context.source.dispatch(this);
  }

  write(framed: FramedMessage): boolean {
    if (this.#stream === undefined) return false;
    this.#countSent(framed);
    return writeMessage(this.#stream, framed);
  }

  end(framed?: FramedMessage): void {
    this.#requestEnded = true;
    if (framed !== undefined) this.#countSent(framed);
    if (this.#stream !== undefined) endWithMessage(this.#stream, framed);
  }

  pause(): void {
    this.#stream?.pause();
  }

  resume(): void {
    this.#stream?.resume();
  }

  /**
   * Gives the attempt up, because of `failure`: the stream is reset with CANCEL, and its call hears nothing more. A
   * backend that did not answer in time has failed; one that was not asked for an answer any more has not.
   */
  abandon(failure: Failure): void {
    if (this.#state === "over") return;
    if (this.#state === "waiting") this.#context.source.withdraw(this);
    this.#enter("over");
    if (failure.code === Code.DeadlineExceeded) this.connection?.noteEnd(failure, this.#request);
    this.#stream?.reset(http2ErrorCode.cancel);
    this.#trackEnd(failure);
  }

  /** It timed out. Is its peer slow, or gone? One PING decides, which leaves ahead of what `abandon` sends. */
  suspect(): void {
    this.connection?.suspect();
  }

  onWaits(): void {
    this.#wait ??= new AttemptWait(this.#context, this.trace);
    this.#wait.waitsFor(this.#context.source.waitReason);
  }

  onPicked(connection: CallConnection, pick: Pick): void {
    // A picker, or whoever hears that no call waits any more, may have cancelled this one.
    if (this.#state !== "waiting") return;
    const { head, body, method } = this.#request;
    const whole = body instanceof PrefixedMessage ? undefined : body;
    const stream = connection.request(head, this.#fields(pick.metadata), whole, this);
    if (stream === undefined) {
      // The connection was lost between the pick and now: nothing was sent, so pick again.
      this.start();
      return;
    }
    this.backend = pick.backend;
    this.connection = connection;
    this.#stream = stream;
    this.#reader = this.#context.protocol.reader(method, this.#context.limits, connection.address);
    if (pick.tracker !== undefined) this.#tracked = new TrackedPick(pick.tracker, this.#context);
    this.#tracked?.started();
    this.#enter("open");
    // Whoever was told of that may have cancelled the call.
    if (!this.isOnStream) return;
    if (body !== undefined) this.#countSent(body);
    if (body !== whole) endWithMessage(stream, body);
    this.#call.onAttemptStarted(this);
  }

  onPickFailed(failure: Failure): void {
    if (this.#state === "waiting") this.#end(failure);
  }

  onHeaders(status: number, fields: HeaderFields, endStream: boolean): void {
    if (this.#reader === undefined || hasEnded(this.#state)) return;
    this.connection?.noteAnswer();
    const failure = this.#reader.readHead(status, fields);
    if (failure !== undefined) this.#failAndReset(failure);
    else if (endStream) this.#endResponse(noFields);
    else this.#call.gate.headers(fields);
  }

  onData(bytes: Uint8Array, start: number, end: number): void {
    if (this.#reader === undefined || hasEnded(this.#state)) return;
    const failure = this.#reader.readBody(bytes, start, end, this);
    if (failure !== undefined) this.#failAndReset(failure);
  }

  onMessage(flag: number, payload: Uint8Array): boolean {
    this.#context.counters.received(payload.length);
    if (this.connection !== undefined) this.connection.messagesReceived++;
    this.trace?.received(payload.length);
    this.#call.gate.message(this, flag, payload);
    return this.#state !== "over";
  }

  onTrailers(fields: HeaderFields): void {
    if (!hasEnded(this.#state)) this.#endResponse(fields);
  }

  onWritable(): void {
    if (this.#state !== "over") this.#call.onAttemptWritable(this);
  }

  onClosed(failure: Failure | undefined): void {
    if (hasEnded(this.#state)) return;
    if (failure === undefined) this.#endResponse(noFields);
    // A peer that answered has processed the request, whatever a late GOAWAY says.
    else this.#end(this.response.headers.length > 0 ? withProgress(failure, "unknown") : failure);
  }

  #fields(added: HeaderFields | undefined): HeaderFields {
    const { deadlineMs } = this.#request;
    const { protocol, clock } = this.#context;
    const metadata = this.trace?.metadata ?? this.#request.metadata;
    const remainingMs = deadlineMs === Number.POSITIVE_INFINITY ? deadlineMs : deadlineMs - clock.now();
    return protocol.attemptFields(metadata, added, remainingMs, this.pickInfo.attempt - 1);
  }

  #endResponse(trailers: HeaderFields): void {
    const result = this.#reader?.readEnd(trailers, this);
    if (result instanceof Promise) {
      this.#enter("ended");
      void result.then((failure) => this.#responseEnded(failure));
    } else {
      this.#responseEnded(result);
    }
  }

  #responseEnded(failure: Failure | undefined): void {
    if (this.#state === "over") return;
    // The peer may answer before it has read the request; nobody needs the rest of it then.
    if (this.#requestEnded) this.#end(failure);
    else this.#failAndReset(failure);
  }

  #failAndReset(failure: Failure | undefined): void {
    this.#end(failure);
    this.#stream?.reset(http2ErrorCode.cancel);
  }

  #end(failure: Failure | undefined): void {
    this.#enter("over");
    this.connection?.noteEnd(failure, this.#request);
    this.#trackEnd(failure);
    this.#call.onAttemptEnded(this, failure);
  }

  #enter(state: AttemptState): void {
    if (this.#state === "over") return;
    this.#state = state;
    if (this.#wait !== undefined && state !== "waiting") this.#wait.ended();
  }

  #trackEnd(failure: Failure | undefined): void {
    const { headers, trailers } = this.response;
    this.#tracked?.ended(failure, trailers.length > 0 ? trailers : headers);
  }

  #countSent(framed: FramedMessage): void {
    const { counters, protocol } = this.#context;
    const bytes = framed.length - protocol.framingBytes(this.#request.method);
    counters.sent(bytes);
    if (this.connection !== undefined) this.connection.messagesSent++;
    this.trace?.sent(bytes);
  }
}
