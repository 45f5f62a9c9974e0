import type { PendingCall } from "./call-source.ts";

/** What came of a call that was picked for. */
export type Served = "picked" | "failed" | "waits";

/** Calls that wait for a connection or a stream slot, first come first served. */
export class CallQueue {
  readonly #calls = new Set<PendingCall>();

  get size(): number {
    return this.#calls.size;
  }

  add(call: PendingCall): void {
    this.#calls.add(call);
  }

  remove(call: PendingCall): void {
    this.#calls.delete(call);
  }

  /**
   * Serves waiting calls, in their order. `serve` picks for a call and tells it, unless it has to wait on. `goOn` is asked
   * after each that got a connection or waits on: whether the next may fare better.
   */
  serve(serve: (call: PendingCall) => Served, goOn: () => boolean): void {
    // A call that is served may queue again: the round is over those that wait now.
    let left = this.#calls.size;
    for (const call of this.#calls) {
      if (left-- === 0) return;
      if (serve(call) !== "failed" && !goOn()) return;
    }
  }
}
