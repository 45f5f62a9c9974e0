import type { Cancellable } from "./cancellable.ts";

/** A call that can be in one list at a time. */
export interface ListedCall extends Cancellable {
  /** The list's own: the call before this one in it. */
  earlier: ListedCall | undefined;
  /** The list's own: the call after this one in it. */
  later: ListedCall | undefined;
}

/**
 * Calls in the order in which they came. They are linked through themselves: every call comes and goes, and a Set, which
 * gives each a hash and is made anew each time it has filled up with those that left, takes several times as long.
 */
export class CallList {
  #size = 0;
  #first: ListedCall | undefined;
  #last: ListedCall | undefined;

  get size(): number {
    return this.#size;
  }

  has(call: ListedCall): boolean {
    return call.earlier !== undefined || call.later !== undefined || call === this.#first;
  }

  /** Adds a call that is in no list. */
  add(call: ListedCall): void {
    const last = this.#last;
    call.earlier = last;
    if (last === undefined) this.#first = call;
    else last.later = call;
    this.#last = call;
    this.#size++;
  }

  /** False: it was not in the list. */
  delete(call: ListedCall): boolean {
    if (!this.has(call)) return false;
    const { earlier, later } = call;
    if (earlier === undefined) this.#first = later;
    else earlier.later = later;
    if (later === undefined) this.#last = earlier;
    else later.earlier = earlier;
    call.earlier = undefined;
    call.later = undefined;
    this.#size--;
    return true;
  }

  /** Tells `visit` of those that are in the list now, but for those that leave it before their turn. */
  walk(visit: (call: ListedCall) => void): void {
    const calls: ListedCall[] = [];
    for (let call = this.#first; call !== undefined; call = call.later) calls.push(call);
    for (const call of calls) if (this.has(call)) visit(call);
  }
}
