import type { Clock, TimerHandle } from "./clock.ts";
import { inSteps, Portions } from "./portions.ts";

/** The first beat of this step, in clock time, that is later than `afterMs`. All clocks of a process agree on it. */
export function nextBeatMs(afterMs: number, stepMs: number): number {
  const beatMs = (Math.floor(afterMs / stepMs) + 1) * stepMs;
  return beatMs > afterMs ? beatMs : afterMs + stepMs;
}

/** The beat of this step, in clock time, that is nearest to `atMs`. */
export function nearestBeatMs(atMs: number, stepMs: number): number {
  return Math.round(atMs / stepMs) * stepMs;
}

/** The last beat of this step, in clock time, that is not later than `atMs`. */
export function beatBefore(atMs: number, stepMs: number): number {
  return Math.floor(atMs / stepMs) * stepMs;
}

/** Looks at something. `lateMs`: so much too late, because the process was stopped, or busy. */
export type Look = (lateMs: number) => void;

/** Of one look, see {@link inSteps}. */
const lookCost = 5;

/**
 * One timer for all who look at something about every so often: a connection at rest costs no timer of its own. Who has
 * the same step in other transports of the process waits for the same moments, so that idle ones wake it together.
 */
export class Beat {
  readonly #stepMs: number;
  readonly #clock: Clock;
  readonly #looks = new Set<Look>();
  readonly #looking: Portions;
  #timer: TimerHandle | undefined;
  #dueMs = Number.NEGATIVE_INFINITY;

  /** `stepMs`: how often, above 0; `Infinity`: never. */
  constructor(stepMs: number, clock: Clock) {
    this.#stepMs = stepMs;
    this.#clock = clock;
    this.#looking = new Portions(clock);
  }

  /** From now on, within a step for the first time. */
  add(look: Look): void {
    if (this.#stepMs === Number.POSITIVE_INFINITY) return;
    this.#looks.add(look);
    if (this.#timer === undefined) this.#wait();
  }

  /** No more: with the last one the timer is gone. */
  delete(look: Look): void {
    this.#looks.delete(look);
    if (this.#looks.size > 0) return;
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#dueMs = Number.NEGATIVE_INFINITY;
  }

  #wait(): void {
    const nowMs = this.#clock.now();
    // Node's timers may be a fraction of a millisecond early: the same beat does not come twice.
    this.#dueMs = nextBeatMs(Math.max(nowMs, this.#dueMs), this.#stepMs);
    this.#timer = this.#clock.setTimeout(() => this.#begin(), this.#dueMs - nowMs);
  }

  #begin(): void {
    const lateMs = Math.max(0, this.#clock.now() - this.#dueMs);
    this.#wait();
    if (this.#looking.isBusy) return;
    const all = inSteps(this.#looks, (look) => {
      look(lateMs);
      return lookCost;
    });
    this.#looking.begin(all);
  }
}
