import type { PickInfo } from "../balancing/picker.ts";
import type { Failure } from "../errors.ts";
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
   * Picks again for waiting calls. `all`: the picker is new, so each call may fare differently; otherwise a slot came
   * free, and the first call that finds none ends the round.
   */
  serve(pick: (call: PendingCall) => PickOutcome, all: boolean): void {
    // A call that is served may queue again: the round is over the calls that wait now.
    for (const call of all ? [...this.#calls] : this.#calls) {
      if (all && !this.#calls.has(call)) continue;
      const outcome = pick(call);
      if (outcome === "queue") {
        if (all) continue;
        return;
      }
      this.#calls.delete(call);
      if (outcome instanceof Subchannel) call.onPicked(outcome);
      else call.onPickFailed(outcome);
    }
  }
}
