import type { DescMethod } from "@bufbuild/protobuf";
import { Code, type ContextValues } from "@connectrpc/connect";
import type { PickInfo } from "../balancing/picker.ts";
import { Attempt, type AttemptContext, type AttemptOwner, pushbackOf } from "../call/attempt.ts";
import type { CallListener, CallRequest, RunningCall } from "../call/call.ts";
import { noFields } from "../call/metadata.ts";
import type { RetryOptions } from "../call/retry-options.ts";
import { deadlineFailure, type Failure, factOf } from "../errors.ts";
import type { Events } from "../events.ts";
import type { HeaderFields } from "../http2/connection.ts";
import type { TimerHandle } from "../runtime/clock.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Subchannel } from "../subchannel/subchannel.ts";
import { ReplayBuffer } from "./replay-buffer.ts";
import type { RetryBudget } from "./retry-budget.ts";
import { decideRetry } from "./retry-policy.ts";

/** What the calls of one transport share. */
export interface RetryContext {
  readonly attempt: AttemptContext;
  readonly runtime: Runtime;
  readonly events: Events;
  readonly budget: RetryBudget | undefined;
}

const noneTried: readonly Subchannel[] = Object.freeze([]);

/**
 * One logical call and its attempts. Until it is committed a failed attempt may be followed by another, which sends the
 * same bytes; committed, the attempt's end is the call's.
 *
 * A call with a single response commits at the first byte of its message: nothing has been shown to the user before,
 * and a Connect server answers even errors with headers first. Other calls commit at their response headers.
 */
export class RetryingCall implements RunningCall, AttemptOwner, PickInfo {
  readonly #context: RetryContext;
  readonly #request: CallRequest;
  readonly #listener: CallListener;
  readonly #options: RetryOptions | false;
  readonly #waitForReady: boolean;
  readonly #replay: ReplayBuffer | undefined;
  #attempt: Attempt | undefined;
  #tried: readonly Subchannel[] = noneTried;
  /** Attempts that count against maxAttempts. */
  #attempts = 0;
  #curveStep = 0;
  #lastFailure: Failure | undefined;
  #refusedBefore = false;
  #committed = false;
  #headersShown = false;
  #halfClosed = false;
  #ended = false;
  #retryTimer: TimerHandle | undefined;
  #attemptTimer: TimerHandle | undefined;

  constructor(
    context: RetryContext,
    request: CallRequest,
    listener: CallListener,
    options: RetryOptions | false,
    waitForReady: boolean,
  ) {
    this.#context = context;
    this.#request = request;
    this.#listener = listener;
    this.#options = options;
    this.#waitForReady = waitForReady;
    const bufferMaxBytes = options === false ? 0 : options.bufferMaxBytes;
    if (request.body === undefined) this.#replay = new ReplayBuffer(bufferMaxBytes);
    // A request too large to keep is sent once. What never left may still go out: its bytes are here anyway.
    else if (request.body.length > bufferMaxBytes) this.#options = false;
  }

  get method(): DescMethod {
    return this.#request.method.desc;
  }

  get metadata(): HeaderFields {
    return this.#request.metadata;
  }

  get contextValues(): ContextValues | undefined {
    return this.#request.contextValues;
  }

  get tried(): readonly Subchannel[] {
    return this.#tried;
  }

  start(): void {
    this.#context.budget?.deposit();
    this.#startAttempt();
  }

  send(framed: Uint8Array): boolean {
    if (this.#ended) return true;
    if (!this.#committed) this.#replay?.add(framed);
    const attempt = this.#attempt;
    // Without a stream the message waits in the replay buffer, and one is enough of them.
    if (!attempt?.isOnStream) return false;
    this.#commitIfOverflowed();
    return attempt.write(framed);
  }

  halfClose(framed?: Uint8Array): void {
    if (this.#ended) return;
    this.#halfClosed = true;
    if (framed !== undefined && !this.#committed) this.#replay?.add(framed);
    if (!this.#attempt?.isOnStream) return;
    this.#commitIfOverflowed();
    this.#attempt.end(framed);
  }

  pause(): void {
    this.#attempt?.pause();
  }

  resume(): void {
    this.#attempt?.resume();
  }

  cancel(failure: Failure): void {
    if (this.#ended) return;
    const attempt = this.#attempt;
    attempt?.abandon();
    if (failure.kind === "deadline") attempt?.subchannel?.suspect();
    const address = attempt?.subchannel?.key;
    const known = this.#lastFailure ?? (address === undefined ? this.#context.attempt.pool.lastFailure : undefined);
    const waiting = address === undefined ? "no connection was ready" : undefined;
    const note = known === undefined ? waiting : `last error: ${known.message}`;
    this.#end(attempt, address === undefined ? failure : { ...failure, address }, note);
  }

  attemptStarted(attempt: Attempt): void {
    const messages = this.#replay?.messages ?? [];
    const last = messages.length - 1;
    for (const [i, message] of messages.entries()) {
      if (i === last && this.#halfClosed) attempt.end(message);
      else attempt.write(message);
    }
    if (this.#halfClosed && last < 0) attempt.end();
    this.#commitIfOverflowed();
    if (!this.#halfClosed) this.#listener.onWritable();
  }

  attemptHeaders(_: Attempt, fields: HeaderFields): void {
    if (!this.#request.method.singleResponse) this.#commit(fields);
  }

  attemptMessage(attempt: Attempt, flag: number, payload: Uint8Array): void {
    this.#commit(attempt.headers);
    this.#listener.onMessage(flag, payload);
  }

  attemptWritable(): void {
    this.#listener.onWritable();
  }

  attemptEnded(attempt: Attempt, failure: Failure | undefined): void {
    this.#clearTimers();
    if (failure === undefined) {
      this.#report(attempt, undefined, undefined);
      this.#end(attempt, undefined, undefined);
    } else {
      this.#attemptFailed(attempt, this.#judge(failure));
    }
  }

  #startAttempt(): void {
    const previous = this.#attempts;
    this.#attempts++;
    const attempt = new Attempt(this.#context.attempt, this.#request, this, this.#waitForReady, previous, this);
    this.#attempt = attempt;
    const perAttemptTimeoutMs = this.#options === false ? undefined : this.#options.perAttemptTimeoutMs;
    if (perAttemptTimeoutMs !== undefined) {
      this.#attemptTimer = this.#context.runtime.clock.setTimeout(
        () => this.#attemptTimedOut(attempt, perAttemptTimeoutMs),
        perAttemptTimeoutMs,
      );
    }
    attempt.start();
  }

  /** What was sent and not kept cannot be sent again: the attempt it went to is the last. */
  #commitIfOverflowed(): void {
    if (!this.#replay?.overflowed) return;
    this.#committed = true;
    this.#replay.release();
  }

  /** The call is this attempt's from now on; its headers go to the user. */
  #commit(fields: HeaderFields): void {
    if (!this.#committed) {
      this.#committed = true;
      this.#replay?.release();
    }
    if (!this.#headersShown) {
      this.#headersShown = true;
      this.#clearTimers();
      this.#listener.onHeaders(fields);
    }
  }

  /** A failure that comes when the call's own time is over is the deadline's, whichever timer was first. */
  #judge(failure: Failure): Failure {
    const { deadlineMs } = this.#request;
    if (this.#context.runtime.clock.now() < deadlineMs || failure.kind === "closed") return failure;
    return deadlineFailure(failure.address, failure.cause);
  }

  #attemptTimedOut(attempt: Attempt, limitMs: number): void {
    attempt.abandon();
    attempt.subchannel?.suspect();
    this.#attemptFailed(attempt, {
      kind: "attempt-timeout",
      code: Code.DeadlineExceeded,
      progress: attempt.subchannel === undefined ? "unsent" : "unknown",
      message: `the attempt took longer than perAttemptTimeoutMs ${limitMs}`,
      address: attempt.subchannel?.key,
    });
  }

  #attemptFailed(attempt: Attempt, failure: Failure): void {
    const { pool } = this.#context.attempt;
    this.#lastFailure = failure;
    // The pool learns of each failed attempt: what is unavailable here may be gone from DNS.
    if (failure.code === Code.Unavailable) pool.refresh();
    const canRepeat = !this.#committed && !(this.#request.method.singleResponse && attempt.messageStarted);
    if (attempt.subchannel !== undefined) this.#tried = [...this.#tried, attempt.subchannel];
    const decision = canRepeat ? this.#decide(attempt, failure) : committedAlready;
    if (decision.retry === "no") {
      this.#report(attempt, failure, undefined);
      this.#end(attempt, failure, decision.note);
      return;
    }
    if (decision.retry === "free") {
      this.#report(attempt, failure, 0);
      this.#attempts--;
      if (failure.progress === "refused") this.#refusedBefore = true;
      this.#startAttempt();
      return;
    }
    this.#report(attempt, failure, decision.delayMs);
    this.#attempt = undefined;
    if (decision.delayMs <= 0) this.#startAttempt();
    else this.#retryTimer = this.#context.runtime.clock.setTimeout(() => this.#startAttempt(), decision.delayMs);
  }

  #decide(attempt: Attempt, failure: Failure) {
    const { runtime, budget, attempt: context } = this.#context;
    const pushback = pushbackOf(attempt);
    const decision = decideRetry(
      {
        failure,
        attempts: this.#attempts,
        curveStep: this.#curveStep,
        refusedBefore: this.#refusedBefore,
        remainingMs: this.#request.deadlineMs - runtime.clock.now(),
        pushback,
        idempotent: this.#request.method.idempotent,
        otherBackendReady: context.pool.hasReadyBackendBeyond(this.#tried),
      },
      this.#options,
      () => budget?.withdraw() ?? true,
      runtime.random,
    );
    // gRFC A6: after a pushback the curve starts again.
    if (decision.retry === "policy") this.#curveStep = typeof pushback === "number" ? 0 : this.#curveStep + 1;
    return decision;
  }

  #report(attempt: Attempt, failure: Failure | undefined, retryDelayMs: number | undefined): void {
    const { events } = this.#context;
    const address = attempt.subchannel?.key;
    if (failure !== undefined && events.active) {
      const method = `${this.method.parent.typeName}/${this.method.name}`;
      const error = factOf(failure);
      events.publish({ type: "attempt-failed", method, attempt: this.#attempts, address, error, retryDelayMs });
    }
    const { onAttempt } = this.#request.options;
    if (onAttempt === undefined) return;
    try {
      const { code, progress, message } = failure ?? {};
      onAttempt({ attempt: this.#attempts, address, code, progress, message, retryDelayMs });
    } catch (error) {
      events.publish({ type: "user-code-failed", where: "onAttempt", error });
    }
  }

  #clearTimers(): void {
    const { clock } = this.#context.runtime;
    if (this.#retryTimer !== undefined) clock.clearTimeout(this.#retryTimer);
    if (this.#attemptTimer !== undefined) clock.clearTimeout(this.#attemptTimer);
    this.#retryTimer = undefined;
    this.#attemptTimer = undefined;
  }

  #end(attempt: Attempt | undefined, failure: Failure | undefined, note: string | undefined): void {
    this.#ended = true;
    this.#clearTimers();
    this.#replay?.release();
    const { headers = noFields, trailers = noFields } = attempt ?? {};
    if (failure === undefined && !this.#headersShown) this.#listener.onHeaders(headers);
    this.#listener.onEnd({ failure, headers, trailers, attempts: this.#attempts, note });
  }
}

const committedAlready = { retry: "no", note: undefined } as const;
