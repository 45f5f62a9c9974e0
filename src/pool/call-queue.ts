import type { PickInfo } from "../balancing/picker.ts";
import type { Failure } from "../base/errors.ts";
import { Subchannel } from "../subchannel/subchannel.ts";

/** A call that wants a backend. */
export interface PendingCall {
  readonly pickInfo: PickInfo;
  /** True: wait through transient failure instead of failing with it. */
  readonly waitForReady: boolean;
  /** A queued call got its backend. */
  onPicked(subchannel: Subchannel): void;
  /** A queued call will not get one. */
  onPickFailed(failure: Failure): void;
}

/** What a pick came to: a backend, a failure, or "queue". */
export type PickOutcome = Subchannel | Failure | "queue";

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
   * Picks again for waiting calls, in their order. `goOn` is asked after each that was served or has to wait on: whether
   * the next may fare better.
   */
  serve(pick: (call: PendingCall) => PickOutcome, goOn: () => boolean): void {
    // A call that is served may queue again: the round is over those that wait now.
    let left = this.#calls.size;
    for (const call of this.#calls) {
      if (left-- === 0) return;
      const outcome = pick(call);
      if (outcome !== "queue") {
        this.#calls.delete(call);
        if (!(outcome instanceof Subchannel)) {
          call.onPickFailed(outcome);
          continue;
        }
        call.onPicked(outcome);
      }
      if (!goOn()) return;
    }
  }
}
