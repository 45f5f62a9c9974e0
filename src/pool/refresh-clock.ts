import { nearestBeatMs } from "../runtime/beat.ts";
import type { TimerHandle } from "../runtime/clock.ts";
import { jitter } from "../runtime/random.ts";
import type { Runtime } from "../runtime/runtime.ts";

/** ± this share of each interval, so that a fleet started together does not ask DNS together. */
const intervalJitter = 0.1;

/** Of an interval: targets that nobody calls wake the process at moments that they share. */
const beatShare = 0.1;

/** Asks the resolver to look again, at intervals. */
export class RefreshClock {
  /** When it asks next, in clock time; `Infinity`: never. */
  dueMs: number = Number.POSITIVE_INFINITY;
  readonly #intervalMs: number;
  readonly #runtime: Runtime;
  readonly #refresh: () => void;
  #timer: TimerHandle | undefined;

  /** `intervalMs`: how often to ask, ± 10 %, the first time ± 15 %; `Infinity`: never. */
  constructor(intervalMs: number, runtime: Runtime, refresh: () => void) {
    this.#intervalMs = intervalMs;
    this.#runtime = runtime;
    this.#refresh = refresh;
  }

  start(): void {
    if (this.#intervalMs === Number.POSITIVE_INFINITY) return;
    const { clock, random } = this.#runtime;
    const nowMs = clock.now();
    const dueMs = nowMs + jitter(this.#intervalMs, intervalJitter, random);
    this.dueMs = nearestBeatMs(dueMs, this.#intervalMs * beatShare);
    this.#timer = clock.setTimeout(() => {
      this.start();
      this.#refresh();
    }, this.dueMs - nowMs);
  }

  stop(): void {
    this.#runtime.clock.clearTimeout(this.#timer);
    this.dueMs = Number.POSITIVE_INFINITY;
  }
}
