import { Code } from "@connectrpc/connect";
import type { Failure } from "../base/errors.ts";
import type { Clock, TimerHandle } from "../runtime/clock.ts";
import type { Attempt } from "./attempt.ts";

/** Told of an attempt that took longer than it may. */
export interface AttemptLimitListener {
  onAttemptLate(attempt: Attempt, failure: Failure): void;
}

/** `perAttemptTimeoutMs` of one call: one attempt at a time. */
export class AttemptLimit {
  readonly #limitMs: number;
  readonly #clock: Clock;
  readonly #listener: AttemptLimitListener;
  #attempt: Attempt | undefined;
  #timer: TimerHandle | undefined;

  constructor(limitMs: number, clock: Clock, listener: AttemptLimitListener) {
    this.#limitMs = limitMs;
    this.#clock = clock;
    this.#listener = listener;
  }

  start(attempt: Attempt): void {
    this.#attempt = attempt;
    // What has already arrived is read first: the late one may be our own event loop.
    this.#timer = this.#clock.setTimeout(() => this.#clock.afterInput(() => this.#late(attempt)), this.#limitMs);
  }

  stop(): void {
    this.#attempt = undefined;
    this.#clock.clearTimeout(this.#timer);
  }

  #late(attempt: Attempt): void {
    // It has ended meanwhile, or may go on.
    if (this.#attempt !== attempt) return;
    this.#attempt = undefined;
    this.#listener.onAttemptLate(attempt, {
      kind: "attempt-timeout",
      code: Code.DeadlineExceeded,
      progress: "unknown",
      message: `the attempt took longer than perAttemptTimeoutMs ${this.#limitMs}`,
      address: attempt.connection?.address,
    });
  }
}
