import type { Clock, TimerHandle } from "../../runtime/clock.ts";

/** The wait of a hedged call before its next attempt: one at a time. */
export class NextAttempt {
  readonly #clock: Clock;
  #timer: TimerHandle | undefined;
  #isPromised = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What waits is counted already, and its wait is not ours to change: it follows an attempt that failed. */
  get isPromised(): boolean {
    return this.#isPromised;
  }

  /** Takes the place of what waits. Without a wait it happens before this returns. */
  after(delayMs: number, isPromised: boolean, start: () => void): void {
    this.clear();
    if (delayMs <= 0) {
      start();
      return;
    }
    this.#isPromised = isPromised;
    this.#timer = this.#clock.setTimeout(() => {
      this.clear();
      start();
    }, delayMs);
  }

  clear(): void {
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isPromised = false;
  }
}
