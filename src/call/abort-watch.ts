import { canceledFailure } from "../errors.ts";
import type { Cancellable } from "./cancellable.ts";

/**
 * The callers' signals, with one listener each, however many calls share a signal: Node warns of a leak at the
 * eleventh.
 */
export class AbortWatch {
  readonly #watched = new WeakMap<AbortSignal, WatchedSignal>();

  /** From now on `call` is cancelled when `signal` aborts. */
  add(signal: AbortSignal, call: Cancellable): void {
    let watched = this.#watched.get(signal);
    if (watched === undefined) {
      watched = new WatchedSignal(signal);
      signal.addEventListener("abort", watched);
      this.#watched.set(signal, watched);
    }
    watched.calls.add(call);
  }

  delete(signal: AbortSignal, call: Cancellable): void {
    const watched = this.#watched.get(signal);
    if (!watched?.calls.delete(call) || watched.calls.size > 0) return;
    signal.removeEventListener("abort", watched);
    this.#watched.delete(signal);
  }
}

class WatchedSignal implements EventListenerObject {
  readonly calls = new Set<Cancellable>();
  readonly #signal: AbortSignal;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  handleEvent(): void {
    const failure = canceledFailure(this.#signal.reason);
    for (const call of this.calls) call.cancel(failure);
  }
}
