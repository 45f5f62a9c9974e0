import type { AttemptEnd, AttemptStart, AttemptTracer, CallEnd, CallTracer, WaitReason } from "../index.ts";

/** Two who follow one call. */
export class BothTracers implements CallTracer {
  readonly #first: CallTracer;
  readonly #second: CallTracer;

  constructor(first: CallTracer, second: CallTracer) {
    this.#first = first;
    this.#second = second;
  }

  attemptStarted(start: AttemptStart): AttemptTracer | undefined {
    const first = this.#first.attemptStarted?.(start);
    const second = this.#second.attemptStarted?.(start);
    if (first === undefined || second === undefined) return first ?? second;
    return {
      ended(end: AttemptEnd) {
        first.ended(end);
        second.ended(end);
      },
    };
  }

  waited(why: WaitReason, ms: number): void {
    this.#first.waited?.(why, ms);
    this.#second.waited?.(why, ms);
  }

  ended(end: CallEnd): void {
    this.#first.ended?.(end);
    this.#second.ended?.(end);
  }
}
