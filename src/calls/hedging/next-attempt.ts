import type { Clock, TimerHandle } from "../../runtime/clock.ts";

/** The wait of a hedged call before its next attempt: one at a time. */
export class NextAttempt {
  readonly #clock: Clock;
  #timer: TimerHandle | undefined;
  /** In clock time. Undefined: nothing is promised. */
  #promisedMs: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What waits is counted already, and its wait is not ours to shorten: it follows an attempt that failed. */
  get isPromised(): boolean {
    return this.#promisedMs !== undefined;
  }

  /** Takes the place of what waits. Without a wait it happens before this returns. */
  after(delayMs: number, start: () => void): void {
    this.clear();
    if (delayMs <= 0) {
      start();
      return;
    }
    const due = () => {
      // The call has ended meanwhile, or waits for something else.
      if (this.#timer !== timer) return;
      this.clear();
      start();
    };
    // What has already arrived is read first: the late one may be our own event loop.
    const timer = this.#clock.setTimeout(() => this.#clock.afterInput(due), delayMs);
    this.#timer = timer;
  }

  /** The same for an attempt that follows one that failed. Of two promises the later one holds: a server may ask for it. */
  promise(delayMs: number, start: () => void): void {
    const dueMs = this.#clock.now() + delayMs;
    if (this.#promisedMs !== undefined && this.#promisedMs >= dueMs) return;
    this.after(delayMs, start);
    if (delayMs > 0) this.#promisedMs = dueMs;
  }

  clear(): void {
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#promisedMs = undefined;
  }
}
