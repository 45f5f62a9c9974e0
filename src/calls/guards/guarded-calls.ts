import type { Failure } from "../../base/errors.ts";
import type { DropReason } from "../../observe/call-facts.ts";
import type { CallCounters } from "../../observe/counters.ts";
import type { Events } from "../../observe/events.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { CallEnd, CallFactory, CallListener, CallRequest, RunningCall } from "../call.ts";
import { noAttempt } from "../no-attempt.ts";
import type { CallGuard } from "./call-guard.ts";

/** An episode is over when nothing was dropped for this long. */
const episodeMs = 10_000;

/** What the calls behind guards share. */
export interface GuardContext {
  readonly clock: Clock;
  readonly events: Events;
  readonly counters: CallCounters;
}

/** Makes calls that guards may drop: those fail at once, and are never sent. Where there is no guard, nobody needs it. */
export class GuardedCalls implements CallFactory {
  readonly #calls: CallFactory;
  readonly #guards: readonly CallGuard[];
  readonly #context: GuardContext;
  readonly #droppedMs = new Map<DropReason, number>();

  constructor(calls: CallFactory, guards: readonly CallGuard[], context: GuardContext) {
    this.#calls = calls;
    this.#guards = guards;
    this.#context = context;
  }

  make(request: CallRequest, listener: CallListener): RunningCall {
    for (const guard of this.#guards) {
      const failure = guard.refuse();
      if (failure === undefined) continue;
      this.#report(guard, request, failure);
      return new DroppedCall(failure, listener);
    }
    const call = this.#calls.make(request, new GuardedListener(listener, this.#guards));
    for (const guard of this.#guards) guard.started();
    return call;
  }

  #report({ reason }: CallGuard, { method }: CallRequest, { message }: Failure): void {
    const { clock, events, counters } = this.#context;
    counters.dropped[reason]++;
    const now = clock.now();
    const first = now - (this.#droppedMs.get(reason) ?? Number.NEGATIVE_INFINITY) >= episodeMs;
    this.#droppedMs.set(reason, now);
    if (!events.active) return;
    events.publish({ type: "call-dropped", method: `${method.service}/${method.name}`, reason, first, message });
  }
}

/** A call that is over as soon as it starts. */
class DroppedCall implements RunningCall {
  readonly #failure: Failure;
  readonly #listener: CallListener;
  #isOver = false;

  constructor(failure: Failure, listener: CallListener) {
    this.#failure = failure;
    this.#listener = listener;
  }

  start(): void {
    this.cancel(this.#failure);
  }

  send(): boolean {
    return true;
  }

  halfClose(): void {
    // It goes nowhere, as all that the call would do.
  }

  pause(): void {
    // There is no response.
  }

  resume(): void {
    // There is no response.
  }

  cancel(failure: Failure): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#listener.onEnd({ failure, ...noAttempt });
  }
}

/** Tells the guards of a call's end, and the call's own listener of everything. */
class GuardedListener implements CallListener {
  readonly #listener: CallListener;
  readonly #guards: readonly CallGuard[];

  constructor(listener: CallListener, guards: readonly CallGuard[]) {
    this.#listener = listener;
    this.#guards = guards;
  }

  onHeaders(fields: readonly string[]): void {
    this.#listener.onHeaders(fields);
  }

  onMessage(flag: number, payload: Uint8Array): void {
    this.#listener.onMessage(flag, payload);
  }

  onWritable(): void {
    this.#listener.onWritable();
  }

  onEnd(end: CallEnd): void {
    // First: whoever hears of the end may call again.
    for (const guard of this.#guards) guard.ended(end.failure);
    this.#listener.onEnd(end);
  }
}
