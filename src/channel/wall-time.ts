import type { Clock } from "../runtime/clock.ts";
import { wallClockMs } from "../runtime/wall-clock.ts";

/** One moment, on a clock and on the wall. What a clock noted earlier is told in the wall's time as of now. */
export class WallTime {
  readonly nowMs: number = wallClockMs();
  readonly #clockMs: number;

  constructor(clock: Clock) {
    this.#clockMs = clock.now();
  }

  /** How long ago `clockMs` was. */
  age(clockMs: number): number {
    return Math.round(this.#clockMs - clockMs);
  }

  at(clockMs: number): number;
  at(clockMs: number | undefined): number | undefined;
  at(clockMs: number | undefined): number | undefined {
    return clockMs === undefined ? undefined : this.nowMs - this.age(clockMs);
  }
}
