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

/** What a probation works with. */
export interface ProbationContext {
  readonly clock: Clock;
  /** Whether calls have another backend to go to. */
  readonly othersServe: () => boolean;
}

/** One call at a time, and one a second, until one of them is answered; while there is no other backend, all calls. */
export class OneCallProbation implements Probation {
  readonly #clock: Clock;
  readonly #othersServe: () => boolean;
  readonly #listener: ProbationListener;
  #isOpen = false;
  #timer: TimerHandle | undefined;

  constructor({ clock, othersServe }: ProbationContext, listener: ProbationListener) {
    this.#clock = clock;
    this.#othersServe = othersServe;
    this.#listener = listener;
  }

  get isOpen(): boolean {
    return this.#isOpen && this.#othersServe();
  }

  started(): void {
    this.#isOpen = true;
    this.#clock.clearTimeout(this.#timer);
    this.#timer = this.#clock.setTimeout(() => {
      this.#isOpen = false;
      this.#listener.onRoom();
    }, probePaceMs);
    this.#listener.onFull();
  }

  answered(): void {
    this.#listener.onPassed();
  }

  stop(): void {
    this.#isOpen = false;
    this.#clock.clearTimeout(this.#timer);
  }
}
