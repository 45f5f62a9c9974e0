import type { Clock, TimerHandle } from "../index.ts";

/** Ends a request that takes too long, or that is made anew. */
export class RequestLimit {
  readonly signal: AbortSignal;
  renewed = false;
  readonly #controller = new AbortController();
  readonly #clock: Clock;
  readonly #timer: TimerHandle;

  constructor(clock: Clock, signal: AbortSignal, ms: number, reason: string) {
    this.#clock = clock;
    this.signal = AbortSignal.any([signal, this.#controller.signal]);
    // What has arrived is read first: the late one may be our own event loop.
    this.#timer = clock.setTimeout(() => clock.afterInput(() => this.#controller.abort(new Error(reason))), ms);
  }

  renew(): void {
    this.renewed = true;
    this.#controller.abort(new Error("calls fail, and the watch says nothing"));
  }

  clear(): void {
    this.#clock.clearTimeout(this.#timer);
  }
}
