import { canceledFailure, deadlineFailure, type Failure } from "../errors.ts";
import type { Clock, TimerHandle } from "../runtime/clock.ts";
import type { Cancellable, OpenCalls } from "./open-calls.ts";

/**
 * What ends a call from this side: its deadline, the caller's signal, the transport's close. One timer and one listener
 * at the most, both gone when the call is.
 */
export class Lifetime implements Cancellable {
  /** In clock time; `Infinity` without a timeout. */
  readonly deadlineMs: number;
  readonly #clock: Clock;
  readonly #openCalls: OpenCalls;
  readonly #timeoutMs: number | undefined;
  readonly #signal: AbortSignal | undefined;
  #call: Cancellable | undefined;
  #timer: TimerHandle | undefined;
  #onAbort: (() => void) | undefined;

  constructor(openCalls: OpenCalls, clock: Clock, timeoutMs: number | undefined, signal: AbortSignal | undefined) {
    this.#clock = clock;
    this.#openCalls = openCalls;
    this.#timeoutMs = timeoutMs;
    this.#signal = signal;
    this.deadlineMs = timeoutMs === undefined ? Number.POSITIVE_INFINITY : clock.now() + timeoutMs;
  }

  /** From now on `call` is cancelled when its time is over, at once if the signal is aborted already. */
  begin(call: Cancellable): void {
    this.#call = call;
    this.#openCalls.add(this);
    if (this.#timeoutMs !== undefined) this.#watchDeadline(this.#timeoutMs);
    const signal = this.#signal;
    if (signal === undefined) return;
    if (signal.aborted) {
      this.cancel(canceledFailure(signal.reason));
      return;
    }
    this.#onAbort = () => this.cancel(canceledFailure(signal.reason));
    signal.addEventListener("abort", this.#onAbort);
  }

  /** True between begin and end. */
  get isOpen(): boolean {
    return this.#call !== undefined;
  }

  cancel(failure: Failure): void {
    this.#call?.cancel(failure);
  }

  /** The call is over. Idempotent. */
  end(): void {
    if (this.#call === undefined) return;
    this.#call = undefined;
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    if (this.#onAbort !== undefined) this.#signal?.removeEventListener("abort", this.#onAbort);
    this.#openCalls.delete(this);
  }

  #watchDeadline(delayMs: number): void {
    this.#timer = this.#clock.setTimeout(() => {
      // Node's timers count from the loop's own time and may fire a little early.
      const remainingMs = this.deadlineMs - this.#clock.now();
      if (remainingMs > 0) this.#watchDeadline(remainingMs);
      else this.cancel(deadlineFailure());
    }, delayMs);
  }
}
