import type { Failure } from "../base/errors.ts";
import type { CallEnd, CallTracer } from "../observe/instrumentation.ts";
import type { WaitReason } from "../observe/wait-reason.ts";
import type { Clock } from "../runtime/clock.ts";
import { type AttemptKind, AttemptTrace, type AttemptTraceListener } from "./attempt-trace.ts";

/** What is kept of a call for those who follow it. A call that nobody follows has none. */
export class CallTrace implements AttemptTraceListener {
  readonly #clock: Clock;
  readonly #startedMs: number;
  readonly #tracers: CallTracer[] = [];
  #attempts = 0;
  #transparentRetries = 0;
  #hedges = 0;
  #address: string | undefined;
  /** Since when no attempt is under way, between two of them. */
  #idleSinceMs: number | undefined;
  #idleMs = 0;
  #isStarting = false;
  /** The end of the call, until its tracers are told. */
  #end: CallEnd | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedMs = clock.now();
  }

  /** `tracer` follows the call from here on. It never throws. */
  add(tracer: CallTracer): void {
    this.#tracers.push(tracer);
  }

  /** Of an attempt that is about to start. */
  attempt(kind: AttemptKind): AttemptTrace {
    this.#idleEnded();
    this.#attempts = kind.number;
    if (kind.transparent) this.#transparentRetries++;
    else if (kind.hedge) this.#hedges++;
    this.#isStarting = true;
    return new AttemptTrace(kind, this.#clock, this.#tracers, this);
  }

  onAttemptStarted(): void {
    this.#isStarting = false;
    this.#tellEnd();
  }

  onWaited(why: WaitReason, ms: number): void {
    for (const tracer of this.#tracers) tracer.waited?.(why, ms);
  }

  /** `repeated`: another one follows. */
  onAttemptEnded(address: string | undefined, repeated: boolean): void {
    this.#address = address ?? this.#address;
    if (repeated) this.#idleSinceMs = this.#clock.now();
  }

  /** The call is over for its caller. */
  ended(failure: Failure | undefined): void {
    this.#idleEnded();
    this.#end = {
      code: failure?.code,
      kind: failure?.kind,
      progress: failure?.progress,
      message: failure?.message,
      address: failure?.address ?? this.#address,
      durationMs: this.#clock.now() - this.#startedMs,
      attempts: this.#attempts,
      transparentRetries: this.#transparentRetries,
      hedges: this.#hedges,
      retryDelayMs: this.#idleMs,
    };
    // A tracer may end the call as an attempt starts, whose own end comes first.
    if (!this.#isStarting) this.#tellEnd();
  }

  #tellEnd(): void {
    const end = this.#end;
    this.#end = undefined;
    if (end !== undefined) for (const tracer of this.#tracers) tracer.ended(end);
  }

  #idleEnded(): void {
    if (this.#idleSinceMs !== undefined) this.#idleMs += this.#clock.now() - this.#idleSinceMs;
    this.#idleSinceMs = undefined;
  }
}
