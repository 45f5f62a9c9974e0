import type { Failure } from "../errors.ts";
import type { ProcessHold } from "../runtime/process-hold.ts";

/** Something that a deadline, an abort or the transport's close can end. */
export interface Cancellable {
  cancel(failure: Failure): void;
}

/** The calls of a transport that have begun and not ended. While there is one, the process stays alive. */
export class OpenCalls {
  readonly #hold: ProcessHold;
  readonly #calls = new Set<Cancellable>();
  #started = 0;
  #whenEmpty: (() => void) | undefined;

  constructor(hold: ProcessHold) {
    this.#hold = hold;
  }

  get size(): number {
    return this.#calls.size;
  }

  /** Calls begun since the transport was made. */
  get started(): number {
    return this.#started;
  }

  add(call: Cancellable): void {
    this.#started++;
    this.#calls.add(call);
    this.#hold.acquire();
  }

  delete(call: Cancellable): void {
    if (!this.#calls.delete(call)) return;
    this.#hold.release();
    if (this.#calls.size === 0) this.#whenEmpty?.();
  }

  cancelAll(failure: Failure): void {
    for (const call of this.#calls) call.cancel(failure);
  }

  /** Calls back once no call is open; at once if that is so now. */
  whenEmpty(callback: () => void): void {
    this.#whenEmpty = callback;
    if (this.#calls.size === 0) callback();
  }
}
