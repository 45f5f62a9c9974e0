import type { Failure } from "../base/errors.ts";
import type { ProcessHold } from "../runtime/process-hold.ts";
import { AbortWatch } from "./abort-watch.ts";
import { CallList, type ListedCall } from "./call-list.ts";

/** What a call belongs to: the transport, or a call whose interceptors passed it on. */
export interface CallGroup {
  /** In clock time; `Infinity` without one. The group itself cancels its calls then. */
  readonly deadlineMs: number;
  /** Why the group takes no more calls; undefined while it does. */
  readonly ended: Failure | undefined;
  readonly aborts: AbortWatch;
  add(call: ListedCall): void;
  /** Ignored for a call that is not in the group. */
  delete(call: ListedCall): void;
}

/** How many calls there are, without a way to them. */
export interface OpenCallCounts {
  /** Begun and not ended. */
  readonly open: number;
  /** Begun since the transport was made. */
  readonly started: number;
}

/** The calls of a transport that have begun and not ended. While there is one, the process stays alive. */
export class OpenCalls implements CallGroup {
  readonly deadlineMs: number = Number.POSITIVE_INFINITY;
  ended: Failure | undefined;
  readonly aborts: AbortWatch = new AbortWatch();
  readonly #counts = { open: 0, started: 0 };
  readonly #hold: ProcessHold;
  readonly #calls = new CallList();
  #whenEmpty: (() => void) | undefined;

  constructor(hold: ProcessHold) {
    this.#hold = hold;
  }

  get size(): number {
    return this.#calls.size;
  }

  get counts(): OpenCallCounts {
    return this.#counts;
  }

  /** A call begins, which may be added later. */
  started(): void {
    this.#counts.started++;
  }

  add(call: ListedCall): void {
    this.#calls.add(call);
    this.#counts.open++;
    this.#hold.acquire();
  }

  delete(call: ListedCall): void {
    if (!this.#calls.delete(call)) return;
    this.#counts.open--;
    this.#hold.release();
    this.#tellIfEmpty();
  }

  cancelAll(failure: Failure): void {
    this.#calls.walk((call) => call.cancel(failure));
  }

  /** Takes no more calls: they fail with `failure`. Calls back, once, when none is open; at once if that is so now. */
  end(failure: Failure, whenEmpty: () => void): void {
    this.ended = failure;
    this.#whenEmpty = whenEmpty;
    this.#tellIfEmpty();
  }

  #tellIfEmpty(): void {
    const whenEmpty = this.#whenEmpty;
    if (whenEmpty === undefined || this.#calls.size > 0) return;
    this.#whenEmpty = undefined;
    whenEmpty();
  }
}
