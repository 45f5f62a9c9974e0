import type { WaitReason } from "../observe/wait-reason.ts";
import type { AttemptContext } from "./attempt-context.ts";
import type { AttemptTrace } from "./attempt-trace.ts";

/** How an attempt that finds no connection at once waits for one: counted, and told those who follow the call. */
export class AttemptWait {
  readonly #context: AttemptContext;
  readonly #trace: AttemptTrace | undefined;
  #reason: WaitReason | undefined;
  #sinceMs = 0;

  constructor(context: AttemptContext, trace: AttemptTrace | undefined) {
    this.#context = context;
    this.#trace = trace;
  }

  /** From now on, or still. */
  waitsFor(reason: WaitReason): void {
    if (reason === this.#reason) return;
    this.ended();
    this.#reason = reason;
    this.#sinceMs = this.#context.clock.now();
    this.#context.counters.waits[reason]++;
  }

  ended(): void {
    const reason = this.#reason;
    if (reason === undefined) return;
    this.#reason = undefined;
    const ms = this.#context.clock.now() - this.#sinceMs;
    this.#context.counters.waitMs[reason] += ms;
    this.#trace?.waited(reason, ms);
  }
}
