import type { Clock, TimerHandle } from "../index.ts";

/** Ends a request with what it belongs to, when it takes too long, or to make it anew. */
export class RequestLimit {
  renewed = false;
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal;
  readonly #clock: Clock;
  readonly #timer: TimerHandle;
  readonly #onAbort = () => this.#controller.abort(this.#outer.reason);

  constructor(clock: Clock, outer: AbortSignal, ms: number, reason: string) {
    this.#clock = clock;
    this.#outer = outer;
    if (outer.aborted) this.#onAbort();
    outer.addEventListener("abort", this.#onAbort, { once: true });
    // What has arrived is read first: the late one may be our own event loop.
    this.#timer = clock.setTimeout(() => clock.afterInput(() => this.#controller.abort(new Error(reason))), ms);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  renew(): void {
    this.renewed = true;
    this.#controller.abort(new Error("calls fail, and the watch says nothing"));
  }

  clear(): void {
    this.#clock.clearTimeout(this.#timer);
    this.#outer.removeEventListener("abort", this.#onAbort);
  }
}
