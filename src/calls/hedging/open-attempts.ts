import { Code } from "@connectrpc/connect";
import type { Failure } from "../../base/errors.ts";
import type { Backend } from "../../subchannel/backend.ts";
import { reportFailed } from "../attempt-report.ts";
import type { CallContext } from "../call-context.ts";
import type { HedgePlan } from "./hedge-plan.ts";
import type { HedgedAttempt } from "./hedged-attempt.ts";

/** What an attempt ended with that another one was faster than. */
const outrun: Failure = {
  kind: "canceled",
  code: Code.Canceled,
  progress: "unknown",
  message: "another attempt of the call was answered first",
};

/** The attempts of one hedged call that are under way, and the failures of those that are not any more. */
export class OpenAttempts {
  /** In the order in which they began. */
  readonly list: HedgedAttempt[] = [];
  readonly failures: Failure[] = [];
  readonly #context: CallContext;
  readonly #plan: HedgePlan;

  constructor(context: CallContext, plan: HedgePlan) {
    this.#context = context;
    this.#plan = plan;
  }

  /** Those that have a backend. */
  get sent(): readonly HedgedAttempt[] {
    return this.list.filter(({ current }) => current?.connection !== undefined);
  }

  /** The message of one is on its way: its server has done its work, and another one would send as much. */
  get isAnswering(): boolean {
    return this.list.some(({ method, current }) => {
      if (!method.singleResponse || current === undefined) return false;
      return current.response.messageStarted && current.heldMessage === undefined;
    });
  }

  /** Where the others are. */
  backendsBeside(attempt: HedgedAttempt): Backend[] {
    return this.list.flatMap((other) => (other === attempt ? [] : (other.current?.backend ?? [])));
  }

  /** The attempt failed, and the call goes on; after `nextMs` with another one. */
  failed(attempt: HedgedAttempt, failure: Failure, nextMs: number | undefined): void {
    this.list.splice(this.list.indexOf(attempt), 1);
    this.failures.push(failure);
    this.report(attempt, failure, nextMs);
  }

  /** What was sent of the attempt did not run: it stays, and sends it again. */
  failedForFree(attempt: HedgedAttempt, failure: Failure): void {
    const { current, attempt: number } = attempt;
    // Before anybody is told: whoever hears of it may cancel the call, and hears of it once.
    attempt.current = undefined;
    this.report({ current, attempt: number }, failure, 0);
  }

  /** All are given up but one, which was faster. */
  outrunBy(winner: HedgedAttempt): void {
    // Before anybody is told: whoever hears of it may cancel the call, and the winner with it.
    const others = this.list.filter((attempt) => attempt !== winner);
    this.list.splice(0, this.list.length, winner);
    for (const other of others) {
      other.gate.close();
      this.noteLatency(other);
      other.current?.abandon(outrun);
      other.current?.trace?.ended(outrun, other.current.connection?.address, undefined);
    }
  }

  /** All are given up: the call is ended from this side. */
  endAll(failure: Failure): void {
    for (const attempt of this.list.splice(0)) {
      attempt.gate.close();
      if (failure.kind === "deadline") this.noteLatency(attempt);
      attempt.current?.abandon(failure);
      this.report(attempt, failure, undefined);
    }
  }

  report(
    { current, attempt: number }: Pick<HedgedAttempt, "current" | "attempt">,
    failure: Failure | undefined,
    nextMs: number | undefined,
  ): void {
    if (current === undefined) return;
    if (failure !== undefined) {
      reportFailed({ attempt: current, number, failure, retryDelayMs: nextMs }, this.#context);
    }
    current.trace?.ended(failure, current.connection?.address, nextMs);
  }

  /** Of a first attempt, also where it is given up: what it would have taken is more. */
  noteLatency({ attempt, startedMs }: HedgedAttempt): void {
    if (attempt === 1 && startedMs !== undefined) this.#plan.record(this.#context.attempt.clock.now() - startedMs);
  }
}
