import type { Clock, TimerHandle } from "../runtime/clock.ts";
import type { Probation } from "../subchannel/backend-record.ts";

/** A probe that is not decided after this long, a stream say, does not keep the next one waiting. */
const probePaceMs = 1_000;

/** Told of a backend that is on probation: who ejected it. */
export interface ProbationListener {
  /** It takes no further call. */
  onFull(): void;
  /** It takes one call again. */
  onRoom(): void;
  /** It answered a call. */
  onPassed(): void;
}

/** One call at a time, and one a second, until one of them is answered. */
export class OneCallProbation implements Probation {
  isOpen = false;
  readonly #clock: Clock;
  readonly #listener: ProbationListener;
  #timer: TimerHandle | undefined;

  constructor(clock: Clock, listener: ProbationListener) {
    this.#clock = clock;
    this.#listener = listener;
  }

  started(): void {
    this.isOpen = true;
    this.#timer = this.#clock.setTimeout(() => {
      this.isOpen = false;
      this.#listener.onRoom();
    }, probePaceMs);
    this.#listener.onFull();
  }

  answered(): void {
    this.#listener.onPassed();
  }

  stop(): void {
    this.isOpen = false;
    this.#clock.clearTimeout(this.#timer);
  }
}
