import type { Failure } from "../base/errors.ts";
import { instrumentationPlace } from "../observe/compose-instrumentations.ts";
import type { CallEnd, CallTracer } from "../observe/instrumentation.ts";
import { reportRejection, reportUserCode } from "../observe/user-code.ts";
import type { WaitReason } from "../observe/wait-reason.ts";
import { type AttemptKind, AttemptTrace, type AttemptTraceListener, type TraceContext } from "./attempt-trace.ts";

/**
 * What is kept of a call for those who follow it. A call that nobody follows has none. Tracers are the user's code: what
 * one throws is told, and the others hear what they would have heard.
 */
export class CallTrace implements AttemptTraceListener {
  readonly #context: TraceContext;
  /** Undefined where nobody is told of its end. */
  #startedMs: number | undefined;
  readonly #tracers: CallTracer[];
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

  /** `tracers` follow the call from its start. The list is the trace's from then on. */
  constructor(context: TraceContext, tracers: CallTracer[]) {
    this.#context = context;
    this.#tracers = tracers;
    for (const tracer of tracers) this.#timeFor(tracer);
  }

  /** `tracer` follows the call from here on. */
  add(tracer: CallTracer): void {
    this.#tracers.push(tracer);
    this.#timeFor(tracer);
  }

  /** Of an attempt that is about to start. */
  attempt(kind: AttemptKind): AttemptTrace {
    this.#idleEnded();
    this.#attempts = kind.number;
    if (kind.transparent) this.#transparentRetries++;
    else if (kind.hedge) this.#hedges++;
    this.#isStarting = true;
    return new AttemptTrace(kind, this.#context, this.#tracers, this);
  }

  onAttemptStarted(): void {
    this.#isStarting = false;
    this.#tellEnd();
  }

  onWaited(why: WaitReason, ms: number): void {
    const { events } = this.#context;
    for (const tracer of this.#tracers) {
      try {
        reportRejection(events, instrumentationPlace, tracer.waited?.(why, ms));
      } catch (error) {
        reportUserCode(events, instrumentationPlace, error);
      }
    }
  }

  /** `repeated`: another one follows. */
  onAttemptEnded(address: string | undefined, repeated: boolean): void {
    this.#address = address ?? this.#address;
    if (repeated) this.#idleSinceMs = this.#context.clock.now();
  }

  /** The call is over for its caller. */
  ended(failure: Failure | undefined): void {
    if (this.#startedMs === undefined) return;
    this.#idleEnded();
    this.#end = {
      code: failure?.code,
      kind: failure?.kind,
      progress: failure?.progress,
      message: failure?.message,
      address: failure?.address ?? this.#address,
      durationMs: this.#context.clock.now() - this.#startedMs,
      attempts: this.#attempts,
      transparentRetries: this.#transparentRetries,
      hedges: this.#hedges,
      retryDelayMs: this.#idleMs,
    };
    // A tracer may end the call as an attempt starts, whose own end comes first.
    if (!this.#isStarting) this.#tellEnd();
  }

  #timeFor({ ended }: CallTracer): void {
    if (ended !== undefined) this.#startedMs ??= this.#context.clock.now();
  }

  #tellEnd(): void {
    const end = this.#end;
    if (end === undefined) return;
    this.#end = undefined;
    const { events } = this.#context;
    for (const tracer of this.#tracers) {
      try {
        reportRejection(events, instrumentationPlace, tracer.ended?.(end));
      } catch (error) {
        reportUserCode(events, instrumentationPlace, error);
      }
    }
  }

  #idleEnded(): void {
    if (this.#idleSinceMs !== undefined) this.#idleMs += this.#context.clock.now() - this.#idleSinceMs;
    this.#idleSinceMs = undefined;
  }
}
