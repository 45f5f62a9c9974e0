import type { Clock, TimerHandle } from "../runtime/clock.ts";
import type { Subchannel } from "../subchannel/subchannel.ts";

/** Told of backends whose share of their weight has changed. */
export interface SlowStartListener {
  onChanged(subchannel: Subchannel): void;
}

/** What a backend begins with. Envoy: min_weight_percent. */
const leastShare = 0.1;

/** The weight grows in so many steps, or each 100 ms. */
const steps = 20;
const leastStepMs = 100;

/**
 * Lets the weight of a backend that has come into use grow from a tenth, in proportion to its time there. Envoy's slow
 * start with the aggression 1.
 */
export class SlowStart {
  readonly #windowMs: number;
  readonly #clock: Clock;
  readonly #listener: SlowStartListener;
  readonly #sinceMs = new Map<Subchannel, number>();
  #timer: TimerHandle | undefined;

  constructor(windowMs: number, clock: Clock, listener: SlowStartListener) {
    this.#windowMs = windowMs;
    this.#clock = clock;
    this.#listener = listener;
  }

  /** It has come into use: for the first time, or again. */
  began(subchannel: Subchannel): void {
    if (this.#windowMs === 0) return;
    subchannel.weightShare = leastShare;
    this.#sinceMs.set(subchannel, this.#clock.now());
    if (this.#timer === undefined) this.#schedule();
  }

  /** It is no longer in use. */
  ended(subchannel: Subchannel): void {
    subchannel.weightShare = 1;
    this.#sinceMs.delete(subchannel);
  }

  close(): void {
    this.#clock.clearTimeout(this.#timer);
    this.#sinceMs.clear();
  }

  #schedule(): void {
    this.#timer = this.#clock.setTimeout(() => this.#step(), Math.max(leastStepMs, this.#windowMs / steps));
  }

  #step(): void {
    this.#timer = undefined;
    const nowMs = this.#clock.now();
    for (const [subchannel, sinceMs] of this.#sinceMs) {
      const share = (nowMs - sinceMs) / this.#windowMs;
      subchannel.weightShare = Math.min(1, Math.max(leastShare, share));
      if (share >= 1) this.#sinceMs.delete(subchannel);
      this.#listener.onChanged(subchannel);
    }
    if (this.#sinceMs.size > 0) this.#schedule();
  }
}
