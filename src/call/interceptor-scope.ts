import { ConnectError } from "@connectrpc/connect";
import { type Failure, toConnectError } from "../errors.ts";
import type { TimerHandle } from "../runtime/clock.ts";
import type { CallEnvironment, CallInput } from "./environment.ts";
import { Lifetime } from "./lifetime.ts";
import type { Cancellable } from "./open-calls.ts";

/** How long interceptors may take to pass on that a call was cancelled. Then the caller hears it directly. */
const settleMs = 100;

/** Why the signal of a call that ended well is aborted: Connect aborts it at every end, so that waiting code wakes. */
const callEnded = Object.freeze(new ConnectError("the call has ended"));

/** One call as its interceptors see it: its signal, and its time. */
export class InterceptorScope implements Cancellable {
  readonly #controller = new AbortController();
  readonly #lifetime: Lifetime;
  readonly #environment: CallEnvironment;
  #reject: ((error: ConnectError) => void) | undefined;
  #settleTimer: TimerHandle | undefined;
  /** Calls that interceptors have passed on and that have not ended. */
  #innerCalls = 0;
  #chainDone = false;

  constructor(environment: CallEnvironment, input: CallInput) {
    this.#environment = environment;
    this.#lifetime = new Lifetime(environment.openCalls, environment.clock, input.timeoutMs, input.signal);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** What is left of the call's time; undefined without a deadline. */
  remainingMs(): number | undefined {
    const { deadlineMs } = this.#lifetime;
    return deadlineMs === Number.POSITIVE_INFINITY
      ? undefined
      : Math.max(0, deadlineMs - this.#environment.clock.now());
  }

  /** Runs the interceptors. The call may go on after they have answered, until the inner calls have ended. */
  run<R>(chain: () => Promise<R>): Promise<R> {
    return new Promise((resolve, reject) => {
      this.#reject = reject;
      this.#lifetime.begin(this);
      let answer: Promise<R>;
      try {
        answer = chain();
      } catch (error) {
        answer = Promise.reject(error);
      }
      answer.then(
        (response) => {
          resolve(response);
          this.#chainEnded();
        },
        (error: unknown) => {
          reject(this.errorFor(error));
          this.#chainEnded();
        },
      );
    });
  }

  innerStarted(): void {
    this.#innerCalls++;
  }

  innerEnded(): void {
    this.#innerCalls--;
    if (this.#chainDone && this.#innerCalls === 0) this.#end();
  }

  /** What the caller sees for an error of the chain: the reason of the abort, once there is one. */
  errorFor(error: unknown): ConnectError {
    const { signal } = this.#controller;
    return ConnectError.from(signal.aborted && signal.reason !== callEnded ? signal.reason : error);
  }

  cancel(failure: Failure): void {
    const error = toConnectError(failure, { attempts: 0 });
    this.#controller.abort(error);
    this.#settleTimer = this.#environment.clock.setTimeout(() => this.#reject?.(error), settleMs);
  }

  #chainEnded(): void {
    this.#chainDone = true;
    if (this.#innerCalls === 0) this.#end();
  }

  #end(): void {
    this.#lifetime.end();
    this.#environment.clock.clearTimeout(this.#settleTimer);
    this.#controller.abort(callEnded);
  }
}
