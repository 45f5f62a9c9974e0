import { Code, type ContextValues } from "@connectrpc/connect";
import type { PickInfo } from "../balancing/picker.ts";
import { deadlineFailure, type Failure } from "../base/errors.ts";
import type { MethodSpec } from "../base/method-spec.ts";
import type { HeaderFields } from "../http2/connection.ts";
import type { RetryCause } from "../observe/counters.ts";
import type { FramedMessage } from "../protocol/framed-message.ts";
import { areLong } from "../protocol/metadata.ts";
import { noResponse } from "../protocol/protocol.ts";
import type { Clock, TimerHandle } from "../runtime/clock.ts";
import type { Backend } from "../subchannel/backend.ts";
import { Attempt } from "./attempt.ts";
import type { AttemptCall } from "./attempt-call.ts";
import { AttemptHistory, noneTried } from "./attempt-history.ts";
import { AttemptLimit, type AttemptLimitListener } from "./attempt-limit.ts";
import { noteUntilNow, reportFailed, reportWithheld } from "./attempt-report.ts";
import type { CallListener, CallRequest, RunningCall } from "./call.ts";
import type { CallConfig } from "./call-config.ts";
import type { CallContext } from "./call-context.ts";
import { OutgoingRequest } from "./outgoing-request.ts";
import { type GateListener, ResponseGate } from "./response-gate.ts";
import { retryDefaults } from "./retry/retry-options.ts";
import type { RetryDecision } from "./retry/retry-policy.ts";

/**
 * One logical call: attempting ⇄ waiting (an attempt may follow a failed one, and sends the same bytes) ──▶ committed (its
 * response is shown) ──▶ ended. Success, cancel() and failures that are not repeated lead to the end from everywhere.
 */
export class RetryingCall implements RunningCall, AttemptCall<Attempt>, AttemptLimitListener, GateListener, PickInfo {
  readonly method: MethodSpec;
  readonly metadata: HeaderFields;
  readonly contextValues: ContextValues | undefined;
  readonly hashKey: string | undefined;
  readonly gate: ResponseGate;
  readonly #context: CallContext;
  readonly #request: CallRequest;
  readonly #listener: CallListener;
  readonly #config: CallConfig;
  readonly #sends: OutgoingRequest;
  /** From the first failure on: most calls need none. */
  #history: AttemptHistory | undefined;
  /** The one under way; undefined between two of them. */
  #attempt: Attempt | undefined;
  #limit: AttemptLimit | undefined;
  /** Of the wait before the next attempt. */
  #retryTimer: TimerHandle | undefined;

  constructor(context: CallContext, request: CallRequest, listener: CallListener, config: CallConfig) {
    this.method = request.method;
    this.metadata = request.metadata;
    this.contextValues = request.contextValues;
    this.hashKey = request.options.hashKey;
    this.#context = context;
    this.#request = request;
    this.#listener = listener;
    this.#config = config;
    this.gate = new ResponseGate(request.method.singleResponse, listener, this);
    // Without retries too: what never left is sent again, whatever the options say.
    const { bufferMaxBytes } = config.retry === false ? retryDefaults : config.retry;
    this.#sends = new OutgoingRequest(request, bufferMaxBytes, context.replayMemory, this.gate);
  }

  get pickInfo(): PickInfo {
    return this;
  }

  get waitForReady(): boolean {
    return this.#config.waitForReady;
  }

  get attempt(): number {
    return (this.#history?.usedUp ?? 0) + 1;
  }

  get tried(): readonly Backend[] {
    return this.#history?.tried ?? noneTried;
  }

  start(): void {
    this.#context.retryLimit.current?.deposit();
    this.#startAttempt();
  }

  send(framed: FramedMessage): boolean {
    return this.gate.isClosed || this.#sends.send(framed, this.#attempt);
  }

  halfClose(framed?: FramedMessage): void {
    if (this.gate.isClosed) return;
    this.#sends.end(framed, this.#attempt);
    if (this.#attempt?.isOnStream) this.#limitAttempt(this.#attempt);
  }

  pause(): void {
    this.#attempt?.pause();
  }

  resume(): void {
    this.#attempt?.resume();
  }

  cancel(failure: Failure): void {
    if (this.gate.isClosed) return;
    const attempt = this.#attempt;
    if (failure.kind === "deadline") attempt?.suspect();
    attempt?.abandon(failure);
    const address = attempt === undefined ? this.#history?.lastFailure?.address : attempt.connection?.address;
    const note = noteUntilNow(failure, attempt, this.#history?.lastFailure, this.#context);
    this.#end(address === undefined ? failure : { ...failure, address }, note);
  }

  onAttemptStarted(attempt: Attempt): void {
    this.#limitAttempt(attempt);
    if (this.#sends.sendTo(attempt)) this.#listener.onWritable();
  }

  onAttemptWritable(): void {
    this.#listener.onWritable();
  }

  onAttemptEnded(attempt: Attempt, failure: Failure | undefined): void {
    this.#clearTimers();
    if (failure === undefined) {
      this.gate.succeeded(attempt);
      this.#end(undefined, undefined);
    } else if (failure.kind !== "closed" && this.#remainingMs <= 0) {
      // A failure that comes when the call's own time is over is the deadline's, whichever timer was first.
      this.#history ??= new AttemptHistory(this.#config.retry, this.#context);
      this.#history.lastFailure ??= failure;
      this.cancel(deadlineFailure(failure.address, failure.cause));
    } else {
      this.#attemptFailed(attempt, failure);
    }
  }

  onAttemptLate(attempt: Attempt, failure: Failure): void {
    // The call's own deadline is about to end it.
    if (this.#remainingMs <= 0) return;
    // A message on its way is an answer, however slow. One that is whole and has no status is not.
    if (this.method.singleResponse && attempt.response.messageStarted && attempt.heldMessage === undefined) return;
    attempt.suspect();
    attempt.abandon(failure);
    this.#attemptFailed(attempt, failure);
  }

  onCommitted(): void {
    this.#sends.release();
    // The limit is there to find a better attempt, and there will be none.
    this.#clearTimers();
  }

  get #attempts(): number {
    return this.#attempt === undefined ? (this.#history?.made ?? 0) : this.attempt;
  }

  get #clock(): Clock {
    return this.#context.attempt.clock;
  }

  get #remainingMs(): number {
    return this.#request.deadlineMs - this.#clock.now();
  }

  /** `cause`: it follows another one, `delayMs` later. */
  #startAttempt(cause?: RetryCause, delayMs = 0): void {
    this.#retryTimer = undefined;
    const { attempt: context } = this.#context;
    context.counters.attemptStarted(cause, delayMs);
    const trace = this.#request.trace?.attempt({
      number: this.attempt,
      transparent: cause === "transparent",
      hedge: false,
    });
    const attempt = new Attempt(context, this.#request, this, trace);
    this.#attempt = attempt;
    trace?.start(this.#request.metadata, context.protocol);
    // Whoever was told may have cancelled the call.
    if (!this.gate.isClosed) attempt.start();
  }

  /**
   * Once the attempt is on a stream and the caller has ended its request. Not while it waits for a backend: giving up its
   * place among the waiting gains nothing. And not while the backend waits for the caller, for whose slowness it would pay.
   */
  #limitAttempt(attempt: Attempt): void {
    const { retry } = this.#config;
    if (retry === false || retry.perAttemptTimeoutMs === undefined) return;
    if (this.#sends.above !== undefined || this.gate.isCommitted || !this.#sends.isEnded) return;
    this.#limit ??= new AttemptLimit(retry.perAttemptTimeoutMs, this.#clock, this);
    this.#limit.start(attempt);
  }

  #attemptFailed(attempt: Attempt, failure: Failure): void {
    // The pool learns of it: what is unavailable may be gone from DNS, and what is silent may be dead.
    if (failure.code === Code.Unavailable) this.#context.attempt.source.refresh();
    else if (failure.code === Code.DeadlineExceeded && !failure.wire?.isWireError) attempt.suspect();
    this.#history ??= new AttemptHistory(this.#config.retry, this.#context);
    const decision = this.#history.next(attempt, failure, {
      committed: this.gate.isCommitted,
      answerBegan: this.method.singleResponse && attempt.response.messageStarted,
      above: this.#sends.above,
      remainingMs: this.#remainingMs,
      idempotent: this.method.idempotency !== "unknown",
      longHeaders: areLong(this.#request.metadata, this.#request.head),
      nextWaits: false,
    });
    if (decision.retry !== "no") {
      this.#repeat(attempt, failure, decision);
      return;
    }
    if (decision.withheld !== undefined) reportWithheld(attempt, decision.withheld, this.#context);
    this.#end(failure, decision.withheld?.note);
  }

  /** Another attempt follows the failed one: at once, or after a wait. */
  #repeat(attempt: Attempt, failure: Failure, { cause, delayMs }: Exclude<RetryDecision, { retry: "no" }>): void {
    this.#attempt = undefined;
    this.#report(attempt, failure, delayMs);
    if (this.gate.isClosed) return;
    if (delayMs <= 0) this.#startAttempt(cause);
    else this.#retryTimer = this.#clock.setTimeout(() => this.#startAttempt(cause, delayMs), delayMs);
  }

  #report(attempt: Attempt, failure: Failure | undefined, retryDelayMs: number | undefined): void {
    if (failure === undefined) this.#context.retryLimit.current?.succeeded();
    else reportFailed({ attempt, number: this.#attempts, failure, retryDelayMs }, this.#context);
    attempt.trace?.ended(failure, attempt.connection?.address, retryDelayMs);
  }

  #clearTimers(): void {
    this.#limit?.stop();
    if (this.#retryTimer !== undefined) this.#clock.clearTimeout(this.#retryTimer);
    this.#retryTimer = undefined;
  }

  #end(failure: Failure | undefined, note: string | undefined): void {
    if (this.gate.isClosed) return;
    this.gate.close();
    this.#clearTimers();
    this.#sends.release();
    const attempt = this.#attempt;
    if (attempt !== undefined) this.#report(attempt, failure, undefined);
    const { headers, trailers } = attempt?.response ?? noResponse;
    const address = attempt?.connection?.address;
    this.#listener.onEnd({ failure, headers, trailers, attempts: this.#attempts, address, note });
  }
}
