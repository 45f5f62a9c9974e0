import type { Failure } from "../base/errors.ts";
import type { ReceivedResponse } from "../protocol/protocol.ts";
import type { Backend } from "../subchannel/backend.ts";
import type { CallConnection } from "../subchannel/call-connection.ts";
import type { CallContext } from "./call-context.ts";
import type { RetryOptions } from "./retry/retry-options.ts";
import { decideRetry, type RetryDecision, type RetrySituation } from "./retry/retry-policy.ts";

/** What the call knows of the moment in which an attempt failed. */
export type CallState = Pick<
  RetrySituation,
  "committed" | "answerBegan" | "above" | "remainingMs" | "idempotent" | "longHeaders" | "nextWaits"
>;

/** What counts of an attempt that failed. */
export interface FailedAttempt {
  /** Undefined: it had no stream. */
  readonly backend: Backend | undefined;
  readonly connection: CallConnection | undefined;
  readonly response: Pick<ReceivedResponse, "pushback">;
}

export const noneTried: readonly Backend[] = Object.freeze([]);

/**
 * The failed attempts of one call, from the first failure on: how many count, where they went, what they failed with, and
 * what that allows now.
 */
export class AttemptHistory {
  /** Attempts that count against maxAttempts, before the one under way or the next. */
  usedUp = 0;
  /** Attempts made until the last failure, those that count and the failed one. */
  made = 0;
  /** Backends that failed this call, for pickers to leave out. */
  tried: readonly Backend[] = noneTried;
  lastFailure: Failure | undefined;
  readonly #options: RetryOptions | false;
  readonly #context: CallContext;
  /** The connections on which it failed, the latest last. */
  readonly #connections: CallConnection[] = [];
  /** Policy retries since the start or the last pushback. */
  #curveStep = 0;
  #refusedBefore = false;
  #goawaysInARow = 0;

  /** `options` false: exactly one attempt. */
  constructor(options: RetryOptions | false, context: CallContext) {
    this.#options = options;
    this.#context = context;
  }

  /** The attempt under way failed. Returns what comes next, for which a retry may have been taken from the budget. */
  next(attempt: FailedAttempt, failure: Failure, state: CallState): RetryDecision {
    const { backend, connection, response } = attempt;
    const { pushback } = response;
    this.made = this.usedUp + 1;
    this.lastFailure = failure;
    if (connection !== undefined) this.#connections.push(connection);
    if (backend !== undefined) this.tried = [...this.tried, backend];
    const decision = this.#decide({
      ...state,
      failure,
      reachedBackend: backend !== undefined,
      attempts: this.made,
      curveStep: this.#curveStep,
      refusedBefore: this.#refusedBefore,
      goawaysInARow: this.#goawaysInARow,
      pushback,
      otherConnection: this.#context.attempt.source.hasConnectionBeyond(this.#connections),
    });
    if (decision.retry === "policy") {
      this.usedUp++;
      // gRFC A6: after a pushback the curve starts again.
      this.#curveStep = typeof pushback === "number" ? 0 : this.#curveStep + 1;
    }
    if (failure.inGoodOrder === true && failure.progress !== "unknown") this.#goawaysInARow++;
    else if (failure.progress !== "refused") this.#goawaysInARow = 0;
    else if (decision.retry === "free") this.#refusedBefore = true;
    return decision;
  }

  #decide(situation: RetrySituation): RetryDecision {
    const { retryLimit, random } = this.#context;
    const { failure, pushback } = situation;
    const counts = this.#options !== false && (this.#options.codes.includes(failure.code) || pushback === "stop");
    // gRFC A6's throttle counts outcomes: those of attempts that may have run.
    if (counts && failure.progress === "unknown") retryLimit.current?.failed();
    return decideRetry(situation, this.#options, () => retryLimit.current?.withdraw() ?? true, random);
  }
}
