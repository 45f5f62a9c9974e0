import type { Failure } from "../base/errors.ts";
import type { HeaderFields } from "../http2/connection.ts";
import { instrumentationPlace } from "../observe/compose-instrumentations.ts";
import type { Events } from "../observe/events.ts";
import type { AttemptEnd, AttemptStart, AttemptTracer, CallTracer } from "../observe/instrumentation.ts";
import { reportRejection, reportUserCode } from "../observe/user-code.ts";
import type { WaitReason } from "../observe/wait-reason.ts";
import { noFields } from "../protocol/metadata.ts";
import type { Protocol } from "../protocol/protocol.ts";
import type { Clock } from "../runtime/clock.ts";
import { TracedHeader } from "./traced-header.ts";

/** What the traces of all calls have in common. */
export interface TraceContext {
  readonly clock: Clock;
  readonly events: Events;
}

/** What is known of an attempt before it starts. */
export interface AttemptKind {
  /** 1 for the first. Attempts that did not use one up share the number of the one after them. */
  readonly number: number;
  /** It repeats one that did not run, and did not use up an attempt. */
  readonly transparent: boolean;
  /** It runs, or ran, beside others of its call. */
  readonly hedge: boolean;
}

/** The trace of the attempt's call. */
export interface AttemptTraceListener {
  /** All who follow the call know of the attempt. */
  onAttemptStarted(): void;
  onWaited(why: WaitReason, ms: number): void;
  /** `repeated`: another attempt follows. */
  onAttemptEnded(address: string | undefined, repeated: boolean): void;
}

/** What is kept of an attempt for those who follow its call. */
export class AttemptTrace {
  /** The call's metadata, with what its tracers set for this attempt. */
  metadata: HeaderFields = noFields;
  readonly #kind: AttemptKind;
  readonly #context: TraceContext;
  readonly #calls: readonly CallTracer[];
  readonly #listener: AttemptTraceListener;
  /** Undefined until somebody follows it: an attempt that nobody follows is not timed. */
  #startedMs: number | undefined;
  #tracers: AttemptTracer[] | undefined;
  #isStarting = false;
  #end: AttemptEnd | undefined;
  #messagesSent = 0;
  #bytesSent = 0;
  #messagesReceived = 0;
  #bytesReceived = 0;

  constructor(kind: AttemptKind, context: TraceContext, calls: readonly CallTracer[], listener: AttemptTraceListener) {
    this.#kind = kind;
    this.#context = context;
    this.#calls = calls;
    this.#listener = listener;
  }

  /** Tells those who follow the call. One of them may end the attempt. */
  start(metadata: HeaderFields, protocol: Protocol): void {
    const header = new TracedHeader(metadata, protocol);
    const { number, transparent, hedge } = this.#kind;
    const start = { number, transparent, hedge, header };
    this.#isStarting = true;
    for (const call of this.#calls) {
      const tracer = this.#tracerOf(call, start);
      if (tracer === undefined) continue;
      this.#startedMs ??= this.#context.clock.now();
      if (this.#end !== undefined) this.#tell(tracer, this.#end);
      else if (this.#tracers === undefined) this.#tracers = [tracer];
      else this.#tracers.push(tracer);
    }
    this.#isStarting = false;
    this.metadata = header.seal();
    this.#listener.onAttemptStarted();
  }

  waited(why: WaitReason, ms: number): void {
    this.#listener.onWaited(why, ms);
  }

  sent(bytes: number): void {
    this.#messagesSent++;
    this.#bytesSent += bytes;
  }

  received(bytes: number): void {
    this.#messagesReceived++;
    this.#bytesReceived += bytes;
  }

  ended(failure: Failure | undefined, address: string | undefined, retryDelayMs: number | undefined): void {
    this.#listener.onAttemptEnded(address, retryDelayMs !== undefined);
    if (this.#tracers === undefined && !this.#isStarting) return;
    const now = this.#context.clock.now();
    // Field by field: a spread of an ending takes V8 longer than the rest of a call.
    const end: AttemptEnd = {
      code: failure?.code,
      kind: failure?.kind,
      progress: failure?.progress,
      message: failure?.message,
      address,
      durationMs: now - (this.#startedMs ?? now),
      retryDelayMs,
      messagesSent: this.#messagesSent,
      bytesSent: this.#bytesSent,
      messagesReceived: this.#messagesReceived,
      bytesReceived: this.#bytesReceived,
    };
    this.#end = end;
    if (this.#tracers !== undefined) for (const tracer of this.#tracers) this.#tell(tracer, end);
  }

  #tracerOf(call: CallTracer, start: AttemptStart): AttemptTracer | undefined {
    const { events } = this.#context;
    try {
      const tracer = call.attemptStarted?.(start);
      if (tracer !== undefined) reportRejection(events, instrumentationPlace, tracer);
      return tracer;
    } catch (error) {
      reportUserCode(events, instrumentationPlace, error);
      return undefined;
    }
  }

  #tell(tracer: AttemptTracer, end: AttemptEnd): void {
    const { events } = this.#context;
    try {
      reportRejection(events, instrumentationPlace, tracer.ended(end));
    } catch (error) {
      reportUserCode(events, instrumentationPlace, error);
    }
  }
}
