import type { PendingCall } from "./call-source.ts";

/** What came of a call that was picked for. */
export type Served = "picked" | "failed" | "waits";

/** Calls that wait for a connection or a stream slot, first come first served. */
export class CallQueue {
  /** With the bytes that were counted for each. */
  readonly #calls = new Map<PendingCall, number>();
  #bytes = 0;

  get size(): number {
    return this.#calls.size;
  }

  /** What the requests of the calls come to. */
  get bytes(): number {
    return this.#bytes;
  }

  add(call: PendingCall): void {
    const bytes = call.requestBytes;
    this.#calls.set(call, bytes);
    this.#bytes += bytes;
  }

  remove(call: PendingCall): void {
    const bytes = this.#calls.get(call);
    if (bytes === undefined) return;
    this.#calls.delete(call);
    this.#bytes -= bytes;
  }

  /**
   * Serves waiting calls, in their order. `serve` picks for a call and tells it, unless it has to wait on. `goOn` is asked
   * after each that got a connection or waits on: whether the next may fare better.
   */
  serve(serve: (call: PendingCall) => Served, goOn: () => boolean): void {
    // A call that is served may queue again: the round is over those that wait now.
    let left = this.#calls.size;
    for (const call of this.#calls.keys()) {
      if (left-- === 0) return;
      if (serve(call) !== "failed" && !goOn()) return;
    }
  }
}
