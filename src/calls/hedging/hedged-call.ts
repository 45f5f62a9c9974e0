import { Code } from "@connectrpc/connect";
import { deadlineFailure, type Failure } from "../../base/errors.ts";
import type { FramedMessage } from "../../protocol/framed-message.ts";
import { areLong } from "../../protocol/metadata.ts";
import { noResponse } from "../../protocol/protocol.ts";
import type { Backend } from "../../subchannel/backend.ts";
import { AttemptHistory } from "../attempt-history.ts";
import { reportWithheld } from "../attempt-report.ts";
import type { CallListener, CallRequest, RunningCall } from "../call.ts";
import type { CallContext } from "../call-context.ts";
import type { RetryDecision } from "../retry/retry-policy.ts";
import type { HedgePlan } from "./hedge-plan.ts";
import { HedgedAttempt, type HedgedAttemptCall } from "./hedged-attempt.ts";
import { HedgedBody } from "./hedged-body.ts";
import { noteOn } from "./hedged-note.ts";
import { NextAttempt } from "./next-attempt.ts";
import { OpenAttempts } from "./open-attempts.ts";

/** What holds for one hedged call. */
export interface HedgedConfig {
  readonly waitForReady: boolean;
  readonly plan: HedgePlan;
}

/**
 * One logical call, and its attempts side by side: one that is not answered in time gets company, on another backend. The
 * first response that would be shown is the call's, and the others are cancelled (gRFC A6).
 */
export class HedgedCall implements RunningCall, HedgedAttemptCall {
  readonly waitForReady: boolean;
  readonly #context: CallContext;
  readonly #request: CallRequest;
  readonly #listener: CallListener;
  readonly #plan: HedgePlan;
  readonly #body: HedgedBody;
  readonly #history: AttemptHistory;
  readonly #open: OpenAttempts;
  readonly #nextAttempt: NextAttempt;
  #winner: HedgedAttempt | undefined;
  /** No further attempt: the server asked for that, the budget is used up, or the request is too large to be kept. */
  #isLast = false;
  #started = 0;
  #isOver = false;

  constructor(
    context: CallContext,
    request: CallRequest,
    listener: CallListener,
    { waitForReady, plan }: HedgedConfig,
  ) {
    this.waitForReady = waitForReady;
    this.#context = context;
    this.#request = request;
    this.#listener = listener;
    this.#plan = plan;
    this.#history = new AttemptHistory(plan.retry, context);
    this.#body = new HedgedBody(request, plan.retry.bufferMaxBytes, context.replayMemory);
    this.#open = new OpenAttempts(context, plan);
    this.#nextAttempt = new NextAttempt(context.attempt.clock);
  }

  start(): void {
    this.#context.retryLimit.current?.deposit();
    if (this.#request.body !== undefined) this.#begin();
  }

  send(framed: FramedMessage): boolean {
    this.#body.add(framed);
    return true;
  }

  halfClose(framed?: FramedMessage): void {
    if (this.#isOver) return;
    this.#body.end(framed);
    this.#begin();
  }

  pause(): void {
    for (const { current } of this.#open.list) current?.pause();
  }

  resume(): void {
    for (const { current } of this.#open.list) current?.resume();
  }

  cancel(failure: Failure): void {
    if (this.#isOver) return;
    const { sent, list, failures } = this.#open;
    const note = noteOn(failure, list, failures, this.#context);
    const address = sent[0]?.current?.connection?.address ?? this.#history.lastFailure?.address;
    if (failure.kind === "deadline") for (const { current } of sent) current?.suspect();
    const { headers, trailers } = this.#winner?.current?.response ?? noResponse;
    this.#close();
    this.#open.endAll(failure);
    const told = address === undefined ? failure : { ...failure, address };
    this.#listener.onEnd({ failure: told, headers, trailers, attempts: this.#started, address, note });
  }

  backendsBeside(attempt: HedgedAttempt): readonly Backend[] {
    return [...this.#history.tried, ...this.#open.backendsBeside(attempt)];
  }

  onStarted(attempt: HedgedAttempt): void {
    const isNewest = attempt.attempt === this.#started;
    if (!isNewest || this.#nextAttempt.isPromised || this.#isLast || this.#started >= this.#plan.retry.maxAttempts)
      return;
    const delayMs = this.#plan.delayMs();
    if (delayMs !== undefined) this.#hedgeAfter(delayMs, delayMs);
  }

  onWon(attempt: HedgedAttempt): void {
    this.#winner = attempt;
    this.#isLast = true;
    this.#nextAttempt.clear();
    this.#open.outrunBy(attempt);
    this.#body.release();
  }

  onEnded(attempt: HedgedAttempt, failure: Failure | undefined): void {
    const { current } = attempt;
    if (current === undefined || this.#isOver) return;
    if (failure === undefined) {
      this.#context.retryLimit.current?.succeeded();
      attempt.gate.succeeded(current);
      this.#endWith(attempt, undefined, undefined);
    } else if (failure.kind !== "closed" && this.#remainingMs <= 0) {
      // A failure that comes when the call's own time is over is the deadline's, whichever timer was first.
      this.#history.lastFailure ??= failure;
      this.cancel(deadlineFailure(failure.address, failure.cause));
    } else {
      this.#failed(attempt, failure);
    }
  }

  get #remainingMs(): number {
    return this.#request.deadlineMs - this.#context.attempt.clock.now();
  }

  #begin(): void {
    if (this.#body.above === undefined) this.#plan.began();
    else this.#isLast = true;
    this.#startAttempt();
  }

  #startAttempt(): void {
    const { attempt } = this.#context;
    const shared = { context: attempt, request: this.#request, listener: this.#listener };
    const next = new HedgedAttempt(++this.#started, shared, this);
    this.#open.list.push(next);
    next.start(false);
  }

  /** The newest attempt will have been waited for for `delayMs`, `restMs` from now. By then it may be due later. */
  #hedgeAfter(delayMs: number, restMs: number): void {
    this.#nextAttempt.after(restMs, () => {
      const dueMs = this.#plan.delayMs() ?? delayMs;
      if (dueMs > delayMs) this.#hedgeAfter(dueMs, dueMs - delayMs);
      else if (!this.#open.isAnswering) this.#hedge();
    });
  }

  /** The attempts under way are not answered in time: one more. */
  #hedge(): void {
    if (this.#context.retryLimit.current?.withdraw() === false) {
      this.#isLast = true;
      const slow = this.#open.list.at(-1)?.current;
      const withheld = { reason: "budget", note: "the retry budget is used up" } as const;
      if (slow !== undefined) reportWithheld(slow, withheld, this.#context);
      return;
    }
    this.#plan.hedged();
    this.#startAttempt();
  }

  #failed(attempt: HedgedAttempt, failure: Failure): void {
    const { current } = attempt;
    if (current === undefined) return;
    if (failure.code === Code.Unavailable) this.#context.attempt.source.refresh();
    this.#history.usedUp = this.#started - 1;
    const decision = this.#history.next(current, failure, {
      committed: this.#winner === attempt,
      answerBegan: attempt.method.singleResponse && current.response.messageStarted,
      above: this.#body.above,
      remainingMs: this.#remainingMs,
      idempotent: attempt.method.idempotency !== "unknown",
      longHeaders: areLong(this.#request.metadata, this.#request.head),
      nextWaits: this.#nextAttempt.isPromised,
    });
    switch (decision.retry) {
      case "free":
        this.#open.failedForFree(attempt, failure);
        if (!this.#isOver) attempt.start(true);
        break;
      case "policy":
        this.#next(attempt, failure, this.#plan.delayAfter(current, decision.delayMs));
        break;
      case "no":
        this.#noNext(attempt, failure, decision);
        break;
      default:
        decision satisfies never;
    }
  }

  /** Another attempt follows the failed one: at once, or after a wait. One that waits already follows both. */
  #next(attempt: HedgedAttempt, failure: Failure, delayMs: number): void {
    this.#open.failed(attempt, failure, delayMs);
    if (!this.#isOver) this.#nextAttempt.promise(delayMs, () => this.#startAttempt());
  }

  /**
   * Nothing follows the failed attempt. Those that are under way may still be answered, and so may the one that another
   * failure has promised, unless this is the answer, or the server asked for no more.
   */
  #noNext(attempt: HedgedAttempt, failure: Failure, { withheld }: Extract<RetryDecision, { retry: "no" }>): void {
    this.#isLast = true;
    if (withheld?.reason === "pushback" || !this.#nextAttempt.isPromised) this.#nextAttempt.clear();
    if (withheld !== undefined && attempt.current !== undefined) {
      reportWithheld(attempt.current, withheld, this.#context);
      // Whoever was told may have cancelled the call.
      if (this.#isOver) return;
    }
    const mayBeAnswered = this.#open.list.length > 1 || this.#nextAttempt.isPromised;
    if (mayBeAnswered && !this.#plan.isAnswer(failure)) this.#open.failed(attempt, failure, undefined);
    else this.#endWith(attempt, failure, withheld?.note);
  }

  /** The attempt's end is the call's. */
  #endWith(attempt: HedgedAttempt, failure: Failure | undefined, note: string | undefined): void {
    if (this.#isOver) return;
    this.#close();
    this.#open.outrunBy(attempt);
    attempt.gate.close();
    if (failure === undefined) this.#open.noteLatency(attempt);
    this.#open.report(attempt, failure, undefined);
    const { headers, trailers } = attempt.current?.response ?? noResponse;
    const story = failure === undefined ? undefined : (note ?? noteOn(failure, [], this.#open.failures, this.#context));
    const address = attempt.current?.connection?.address;
    this.#listener.onEnd({ failure, headers, trailers, attempts: this.#started, address, note: story });
  }

  #close(): void {
    this.#isOver = true;
    this.#nextAttempt.clear();
    this.#body.release();
  }
}
