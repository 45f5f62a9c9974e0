import type { MethodSpec } from "../base/method-spec.ts";

/** What is counted for all backends of a pool together. */
export interface PoolTally {
  /** As {@link BackendRecord.answers}. */
  answers: number;
  /** As {@link BackendRecord.faults}. */
  faults: number;
}

/** A backend that was left out, and gets one call to show what it is worth. */
export interface Probation {
  /** A call is on its way: no further one may start. */
  readonly isOpen: boolean;
  /** A call has started. */
  started(): void;
  /** A call was answered. */
  answered(): void;
}

/**
 * How calls to one backend go, over all its connections: numbers, because each attempt writes them. What they mean is
 * decided in availability/.
 */
export class BackendRecord {
  /** Attempts whose end speaks for it: success, or a status that is no fault of the server's. */
  answers = 0;
  /** Attempts whose end speaks against it. */
  faults = 0;
  faultsInARow = 0;
  /** The method of the last {@link answers}: what works here need not be what fails elsewhere. */
  lastAnswered: MethodSpec | undefined;
  /** Undefined for all but those that were ejected. */
  probation: Probation | undefined;
  readonly #tally: PoolTally;

  constructor(tally: PoolTally) {
    this.#tally = tally;
  }

  answer(method: MethodSpec): void {
    this.lastAnswered = method;
    this.answers++;
    this.#tally.answers++;
    this.faultsInARow = 0;
    if (this.probation !== undefined) this.probation.answered();
  }

  fault(): void {
    this.faults++;
    this.#tally.faults++;
    this.faultsInARow++;
  }
}
