import type { Failure } from "../base/errors.ts";
import type { Random } from "../runtime/random.ts";
import type { Backend } from "../subchannel/backend.ts";
import type { CallConnection } from "../subchannel/call-connection.ts";
import { type Attempt, pushbackOf } from "./attempt.ts";
import type { RetryBudget } from "./retry/retry-budget.ts";
import type { RetryOptions } from "./retry/retry-options.ts";
import { decideRetry, type RetryDecision, type RetrySituation } from "./retry/retry-policy.ts";

/** What the call knows of the moment in which an attempt failed. */
export type CallState = Pick<
  RetrySituation,
  "committed" | "answerBegan" | "above" | "remainingMs" | "idempotent" | "longHeaders" | "otherConnection"
>;

export const noneTried: readonly Backend[] = Object.freeze([]);

/**
 * The attempts of one call, from the first failure on: how many count, where they went, what they failed with, and what
 * that allows now.
 */
export class AttemptHistory {
  /** Attempts that count against maxAttempts, the one under way included. */
  attempts = 1;
  /** Backends that failed this call, for pickers to leave out. */
  tried: readonly Backend[] = noneTried;
  /** The connections on which it failed, the latest last. */
  readonly connections: CallConnection[] = [];
  lastFailure: Failure | undefined;
  readonly #options: RetryOptions | false;
  readonly #budget: RetryBudget | undefined;
  readonly #random: Random;
  /** Policy retries since the start or the last pushback. */
  #curveStep = 0;
  #refusedBefore = false;
  #goawaysInARow = 0;

  /** `options` false: exactly one attempt. */
  constructor(options: RetryOptions | false, budget: RetryBudget | undefined, random: Random) {
    this.#options = options;
    this.#budget = budget;
    this.#random = random;
  }

  /** Another attempt begins. Returns how many came before it: grpc-previous-rpc-attempts. */
  begin(): number {
    return this.attempts++;
  }

  /** The attempt under way failed: it is remembered with its backend. */
  failed({ backend, connection }: Attempt, failure: Failure): void {
    this.lastFailure = failure;
    if (connection !== undefined) this.connections.push(connection);
    if (backend !== undefined) this.tried = [...this.tried, backend];
  }

  /** What comes after the failed attempt. To ask is to decide: it takes from the budget and moves along the curve. */
  decide(attempt: Attempt, failure: Failure, state: CallState): RetryDecision {
    const pushback = pushbackOf(attempt);
    const situation: RetrySituation = {
      ...state,
      failure,
      reachedBackend: attempt.backend !== undefined,
      attempts: this.attempts,
      curveStep: this.#curveStep,
      refusedBefore: this.#refusedBefore,
      goawaysInARow: this.#goawaysInARow,
      pushback,
    };
    const decision = decideRetry(situation, this.#options, () => this.#budget?.withdraw() ?? true, this.#random);
    // gRFC A6: after a pushback the curve starts again.
    if (decision.retry === "policy") this.#curveStep = typeof pushback === "number" ? 0 : this.#curveStep + 1;
    if (failure.inGoodOrder === true && failure.progress !== "unknown") this.#goawaysInARow++;
    else if (failure.progress !== "refused") this.#goawaysInARow = 0;
    else if (decision.retry === "free") this.#refusedBefore = true;
    return decision;
  }

  /** The failed attempt is repeated free of charge. */
  uncount(): void {
    this.attempts--;
  }
}
