import { canceledFailure, deadlineFailure, type Failure } from "../base/errors.ts";
import type { Clock, TimerHandle } from "../runtime/clock.ts";
import type { ListedCall } from "./call-list.ts";
import { abandon, type Cancellable } from "./cancellable.ts";
import type { CallGroup } from "./open-calls.ts";

/** How early a timer of Node's may fire: it counts from the event loop's own time. */
const earlyMs = 10;

/**
 * What ends a call from this side: its deadline, the caller's signal, the end of its group. One timer at the most, gone
 * when the call is.
 */
export class Lifetime implements ListedCall {
  /** In clock time; `Infinity` without a timeout. */
  readonly deadlineMs: number;
  earlier: ListedCall | undefined;
  later: ListedCall | undefined;
  readonly #clock: Clock;
  readonly #group: CallGroup;
  readonly #timeoutMs: number | undefined;
  readonly #signal: AbortSignal | undefined;
  #call: Cancellable | undefined;
  #timer: TimerHandle | undefined;

  constructor(group: CallGroup, clock: Clock, timeoutMs: number | undefined, signal: AbortSignal | undefined) {
    this.#clock = clock;
    this.#group = group;
    this.#timeoutMs = timeoutMs;
    this.#signal = signal;
    this.deadlineMs = timeoutMs === undefined ? group.deadlineMs : clock.now() + timeoutMs;
  }

  /** From now on `call` is cancelled when its time is over, at once if its signal is aborted or its group has ended. */
  begin(call: Cancellable): void {
    const signal = this.#signal;
    let over = signal?.aborted ? canceledFailure(signal.reason) : this.#group.ended;
    if (over === undefined) {
      // First what a wrong argument makes throw: nothing is left behind then.
      if (signal !== undefined) this.#group.aborts.add(signal, this);
      this.#group.add(this);
      if (this.#timeoutMs !== undefined) this.#watchDeadline(this.#timeoutMs);
      // A group that had nothing open may learn only now that it is over.
      over = this.#group.ended;
    }
    this.#call = call;
    if (over !== undefined) this.cancel(over);
  }

  /** True between begin and end. */
  get isOpen(): boolean {
    return this.#call !== undefined;
  }

  cancel(failure: Failure): void {
    this.#call?.cancel(failure);
  }

  abandoned(): void {
    if (this.#call !== undefined) abandon(this.#call);
  }

  /** The call is over. Idempotent. */
  end(): void {
    if (this.#call === undefined) return;
    this.#call = undefined;
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    if (this.#signal !== undefined) this.#group.aborts.delete(this.#signal, this);
    this.#group.delete(this);
  }

  #watchDeadline(delayMs: number): void {
    this.#timer = this.#clock.setTimeout(() => {
      // Earlier than that it was turned by hand: by fake timers of a test framework, which leave the clock alone.
      const remainingMs = this.deadlineMs - this.#clock.now();
      if (remainingMs > 0 && remainingMs < earlyMs) this.#watchDeadline(remainingMs);
      else this.cancel(deadlineFailure());
    }, delayMs);
  }
}
