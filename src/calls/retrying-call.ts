import { Code, type ContextValues } from "@connectrpc/connect";
import type { PickInfo } from "../balancing/picker.ts";
import { deadlineFailure, type Failure } from "../base/errors.ts";
import type { MethodSpec } from "../base/method-spec.ts";
import type { HeaderFields } from "../http2/connection.ts";
import type { Events } from "../observe/events.ts";
import { areLong, noFields } from "../protocol/metadata.ts";
import type { TimerHandle } from "../runtime/clock.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Backend } from "../subchannel/backend.ts";
import { Attempt, type AttemptContext, type AttemptOwner } from "./attempt.ts";
import { AttemptHistory, noneTried } from "./attempt-history.ts";
import { describeUntilNow, reportAttempt, reportWithheld } from "./attempt-report.ts";
import type { CallListener, CallRequest, RunningCall } from "./call.ts";
import { ReplayBuffer, type ReplayLimit } from "./retry/replay-buffer.ts";
import type { ReplayMemory } from "./retry/replay-memory.ts";
import type { RetryBudget } from "./retry/retry-budget.ts";
import { type RetryOptions, retryDefaults } from "./retry/retry-options.ts";
import type { Withheld } from "./retry/retry-policy.ts";

/** What the calls of one transport share. */
export interface RetryContext {
  readonly attempt: AttemptContext;
  readonly runtime: Runtime;
  readonly events: Events;
  readonly budget: RetryBudget | undefined;
  readonly replayMemory: ReplayMemory;
}

interface ReceivedMessage {
  readonly flag: number;
  readonly payload: Uint8Array;
}

/** What ends a call from outside. The error then also tells what the call had run into until that moment. */
const endsFromOutside = new Set<Failure["kind"]>(["deadline", "canceled", "closed"]);

/**
 * One logical call and its attempts. Until it is committed a failed attempt may be followed by another, which sends the
 * same bytes; committed, the attempt's end is the call's.
 *
 * A call with a single response commits at the end of it: nothing is shown to the user before, and a Connect server
 * answers even errors with headers first. Its message is held back until the status has come, because a server that dies
 * between the two has not answered. Other calls commit at their response headers.
 */
export class RetryingCall implements RunningCall, AttemptOwner, PickInfo {
  readonly #context: RetryContext;
  readonly #request: CallRequest;
  readonly #listener: CallListener;
  readonly #options: RetryOptions | false;
  readonly #waitForReady: boolean;
  readonly #replay: ReplayBuffer | undefined;
  /** From the first failure on: most calls need none. */
  #history: AttemptHistory | undefined;
  #attempt: Attempt | undefined;
  /** The attempt under way is the last: its response is shown, or its request cannot be repeated. */
  #committed = false;
  /** The request is more than what is kept: it is sent once. */
  #above: ReplayLimit | undefined;
  /** What of {@link ReplayMemory} the request takes that was known from the start. */
  #keptBytes = 0;
  /** The caller has said all that it has to say. */
  #requestEnded: boolean;
  #headersShown = false;
  /** The message of a single response, until its status has come. */
  #held: ReceivedMessage | undefined;
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
    // Without retries too: what never left is sent again, whatever the options say.
    const { bufferMaxBytes } = options === false ? retryDefaults : options;
    const { body } = request;
    this.#requestEnded = body !== undefined;
    if (body === undefined) this.#replay = new ReplayBuffer(bufferMaxBytes, context.replayMemory);
    else this.#keep(body, bufferMaxBytes);
  }

  get method(): MethodSpec {
    return this.#request.method;
  }

  get metadata(): HeaderFields {
    return this.#request.metadata;
  }

  get contextValues(): ContextValues | undefined {
    return this.#request.contextValues;
  }

  get attempt(): number {
    return this.#attempts;
  }

  get tried(): readonly Backend[] {
    return this.#history?.tried ?? noneTried;
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
    this.#commitIfAbove();
    return attempt.write(framed);
  }

  halfClose(framed?: Uint8Array): void {
    if (this.#ended) return;
    this.#requestEnded = true;
    if (!this.#committed) {
      if (framed !== undefined) this.#replay?.add(framed);
      this.#replay?.end();
    }
    if (!this.#attempt?.isOnStream) return;
    this.#commitIfAbove();
    this.#attempt.end(framed);
    this.#limitAttempt(this.#attempt);
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
    if (failure.kind === "deadline") attempt?.suspect();
    attempt?.abandon(failure);
    const address = attempt === undefined ? this.#history?.lastFailure?.address : attempt.connection?.address;
    const note = endsFromOutside.has(failure.kind) ? this.#noteUntilNow(attempt) : undefined;
    this.#end(attempt, address === undefined ? failure : { ...failure, address }, note);
  }

  attemptStarted(attempt: Attempt): void {
    this.#limitAttempt(attempt);
    const takesMore = this.#replay?.sendTo(attempt);
    this.#commitIfAbove();
    if (takesMore === true) this.#listener.onWritable();
  }

  attemptHeaders(_: Attempt, fields: HeaderFields): void {
    if (!this.#request.method.singleResponse) this.#show(fields);
  }

  attemptMessage(attempt: Attempt, flag: number, payload: Uint8Array): void {
    if (!this.#request.method.singleResponse) {
      this.#pass(attempt, flag, payload);
    } else if (this.#held === undefined) {
      this.#held = { flag, payload };
    } else {
      // One too many: the caller's to judge.
      this.#pass(attempt, this.#held.flag, this.#held.payload);
      this.#pass(attempt, flag, payload);
    }
  }

  attemptWritable(): void {
    this.#listener.onWritable();
  }

  attemptEnded(attempt: Attempt, failure: Failure | undefined): void {
    this.#clearTimers();
    if (failure === undefined) {
      this.#show(attempt.headers);
      const held = this.#held;
      if (held !== undefined) this.#pass(attempt, held.flag, held.payload);
      this.#end(attempt, undefined, undefined);
    } else if (failure.kind !== "closed" && this.#remainingMs <= 0) {
      // A failure that comes when the call's own time is over is the deadline's, whichever timer was first.
      this.#historyNow().lastFailure ??= failure;
      this.cancel(deadlineFailure(failure.address, failure.cause));
    } else {
      this.#attemptFailed(attempt, failure);
    }
  }

  get #remainingMs(): number {
    return this.#request.deadlineMs - this.#context.runtime.clock.now();
  }

  get #attempts(): number {
    return this.#history?.attempts ?? 1;
  }

  #historyNow(): AttemptHistory {
    const { budget, runtime } = this.#context;
    this.#history ??= new AttemptHistory(this.#options, budget, runtime.random);
    return this.#history;
  }

  #startAttempt(): void {
    this.#held = undefined;
    const previous = this.#history?.begin() ?? 0;
    const attempt = new Attempt(this.#context.attempt, this.#request, this, this.#waitForReady, previous, this);
    this.#attempt = attempt;
    attempt.start();
  }

  /**
   * From when the attempt is on a stream and the caller has ended its request. Not while it waits for a backend: giving
   * up its place among the waiting would gain nothing. And not while the backend waits for the caller: a stream that is
   * open for requests would be given up for the caller's own slowness.
   */
  #limitAttempt(attempt: Attempt): void {
    if (this.#options === false || this.#above !== undefined || this.#committed || !this.#requestEnded) return;
    const { perAttemptTimeoutMs } = this.#options;
    if (perAttemptTimeoutMs === undefined) return;
    const { clock } = this.#context.runtime;
    // What has already arrived is read first: the late one may be our own event loop.
    const timedOut = () => clock.afterInput(() => this.#attemptTimedOut(attempt, perAttemptTimeoutMs));
    this.#attemptTimer = clock.setTimeout(timedOut, perAttemptTimeoutMs);
  }

  /** A body above its call's limit is not retried. It is kept where there is room, to go again where it never left. */
  #keep(body: Uint8Array, bufferMaxBytes: number): void {
    if (body.length > bufferMaxBytes) this.#above = "call";
    if (this.#context.replayMemory.keep(body.length)) this.#keptBytes = body.length;
    else this.#above ??= "total";
  }

  /** What was sent and is not kept cannot be sent again: the attempt it went to is the last. */
  #commitIfAbove(): void {
    if (this.#replay !== undefined) this.#above = this.#replay.above;
    if (this.#above !== undefined && this.#keptBytes === 0) this.#commit();
  }

  #commit(): void {
    if (this.#committed) return;
    this.#committed = true;
    this.#release();
    // The limit is there to find a better attempt, and there will be none.
    this.#clearTimers();
  }

  /** No attempt will need the request any more. */
  #release(): void {
    this.#replay?.release();
    this.#request.body = undefined;
    this.#context.replayMemory.letGo(this.#keptBytes);
    this.#keptBytes = 0;
  }

  /** The user sees this attempt's response from now on. */
  #show(fields: HeaderFields): void {
    this.#commit();
    if (this.#headersShown) return;
    this.#headersShown = true;
    this.#listener.onHeaders(fields);
  }

  #attemptTimedOut(attempt: Attempt, limitMs: number): void {
    if (this.#attempt !== attempt || this.#ended || this.#committed) return;
    // The call's own deadline is about to end it.
    if (this.#remainingMs <= 0) return;
    this.#attemptTimer = undefined;
    // A message on its way is an answer, however slow. One that is whole and has no status is not.
    if (this.#request.method.singleResponse && attempt.messageStarted && this.#held === undefined) return;
    attempt.suspect();
    const failure: Failure = {
      kind: "attempt-timeout",
      code: Code.DeadlineExceeded,
      progress: "unknown",
      message: `the attempt took longer than perAttemptTimeoutMs ${limitMs}`,
      address: attempt.connection?.address,
    };
    attempt.abandon(failure);
    this.#attemptFailed(attempt, failure);
  }

  /** Hands a message to the user, after the headers. */
  #pass(attempt: Attempt, flag: number, payload: Uint8Array): void {
    this.#show(attempt.headers);
    // Whoever was shown the headers may have cancelled the call.
    if (!this.#ended) this.#listener.onMessage(flag, payload);
  }

  #attemptFailed(attempt: Attempt, failure: Failure): void {
    const history = this.#historyNow();
    const { source } = this.#context.attempt;
    history.failed(attempt, failure);
    // The pool learns of it: what is unavailable may be gone from DNS, and what is silent may be dead.
    if (failure.code === Code.Unavailable) source.refresh();
    else if (failure.code === Code.DeadlineExceeded && !failure.wire?.isWireError) attempt.suspect();
    const decision = history.decide(attempt, failure, {
      committed: this.#committed,
      answerBegan: this.#request.method.singleResponse && attempt.messageStarted,
      above: this.#above,
      remainingMs: this.#remainingMs,
      idempotent: this.#request.method.idempotency !== "unknown",
      longHeaders: areLong(this.#request.metadata, this.#request.head),
      otherConnection: source.hasConnectionBeyond(history.connections),
    });
    if (decision.retry === "no") {
      const { withheld } = decision;
      if (withheld !== undefined) this.#reportWithheld(attempt, withheld);
      this.#end(attempt, failure, withheld?.note);
      return;
    }
    this.#attempt = undefined;
    const delayMs = decision.retry === "free" ? 0 : decision.delayMs;
    this.#report(attempt, failure, delayMs);
    // Whoever was told may have cancelled the call.
    if (this.#ended) return;
    if (decision.retry === "free") history.uncount();
    if (delayMs <= 0) this.#startAttempt();
    else this.#retryTimer = this.#context.runtime.clock.setTimeout(() => this.#startAttempt(), delayMs);
  }

  #report(attempt: Attempt, failure: Failure | undefined, retryDelayMs: number | undefined): void {
    const outcome = { attempt, number: this.#attempts, failure, retryDelayMs };
    reportAttempt(outcome, this.#request, this.#context.events);
  }

  #reportWithheld(attempt: Attempt, withheld: Withheld): void {
    const { budget, events } = this.#context;
    const first = withheld.reason === "budget" && budget?.isNewEpisode === true;
    reportWithheld({ attempt, withheld, first }, this.#request, events);
  }

  /** What a call that ends from outside had run into: without it, a timeout would hide the reason for it. */
  #noteUntilNow(attempt: Attempt | undefined): string | undefined {
    const waits = attempt !== undefined && attempt.connection === undefined;
    const { source } = this.#context.attempt;
    return describeUntilNow(
      waits,
      source.eldestDial,
      this.#history?.lastFailure ?? (waits ? source.lastFailure : undefined),
    );
  }

  #clearTimers(): void {
    const { clock } = this.#context.runtime;
    if (this.#retryTimer !== undefined) clock.clearTimeout(this.#retryTimer);
    if (this.#attemptTimer !== undefined) clock.clearTimeout(this.#attemptTimer);
    this.#retryTimer = undefined;
    this.#attemptTimer = undefined;
  }

  #end(attempt: Attempt | undefined, failure: Failure | undefined, note: string | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#clearTimers();
    this.#release();
    if (attempt !== undefined) this.#report(attempt, failure, undefined);
    const { headers = noFields, trailers = noFields } = attempt ?? {};
    this.#listener.onEnd({ failure, headers, trailers, attempts: this.#attempts, note });
  }
}
