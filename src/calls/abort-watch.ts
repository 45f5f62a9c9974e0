import { Code, type ConnectError } from "@connectrpc/connect";
import { checkSignal } from "../base/check.ts";
import { earlyError } from "../base/connect-error.ts";
import { canceledFailure } from "../base/errors.ts";
import { describeCause } from "../base/thrown.ts";
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
      signal.addEventListener("abort", watched.listener);
      this.#watched.set(signal, watched);
    }
    watched.calls.add(call);
  }

  delete(signal: AbortSignal, call: Cancellable): void {
    const watched = this.#watched.get(signal);
    if (!watched?.calls.delete(call) || watched.calls.size > 0) return;
    signal.removeEventListener("abort", watched.listener);
    this.#watched.delete(signal);
  }
}

class WatchedSignal {
  readonly calls = new Set<Cancellable>();
  /** A function: signals that are not Node's own may take no object with `handleEvent`. */
  readonly listener: () => void;

  constructor(signal: AbortSignal) {
    this.listener = () => {
      const failure = canceledFailure(signal.reason);
      for (const call of this.calls) call.cancel(failure);
    };
  }
}

/** InvalidArgument for a call's signal that cannot be listened to. */
export function signalError(signal: AbortSignal | undefined): ConnectError | undefined {
  if (signal === undefined) return undefined;
  try {
    checkSignal("signal", signal);
    return undefined;
  } catch (error) {
    return earlyError("invalid-request", Code.InvalidArgument, describeCause(error));
  }
}
