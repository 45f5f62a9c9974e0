import type { ContextValues } from "@connectrpc/connect";
import type { PickInfo } from "../../balancing/picker.ts";
import type { Failure } from "../../base/errors.ts";
import type { MethodSpec } from "../../base/method-spec.ts";
import type { HeaderFields } from "../../http2/connection.ts";
import type { Backend } from "../../subchannel/backend.ts";
import { Attempt } from "../attempt.ts";
import type { AttemptCall } from "../attempt-call.ts";
import type { AttemptContext } from "../attempt-context.ts";
import type { CallListener, CallRequest } from "../call.ts";
import { type GateListener, ResponseGate } from "../response-gate.ts";

/** A hedged call, as its attempts see it. */
export interface HedgedAttemptCall {
  readonly waitForReady: boolean;
  /** Where other attempts of the call went. */
  backendsBeside(attempt: HedgedAttempt): readonly Backend[];
  /** The request has a stream. */
  onStarted(attempt: HedgedAttempt): void;
  /** Its response is the call's from here on. */
  onWon(attempt: HedgedAttempt): void;
  onEnded(attempt: HedgedAttempt, failure: Failure | undefined): void;
}

/** What the attempts of one hedged call share. */
export interface HedgedRequest {
  readonly context: AttemptContext;
  readonly request: CallRequest;
  readonly listener: CallListener;
}

/**
 * One of the attempts that a hedged call has under way: its number, its own view of the pick, and a gate of its own, so
 * that the first response to pass decides the call. It may be repeated for free, where it did not run.
 */
export class HedgedAttempt implements AttemptCall<Attempt>, GateListener, PickInfo {
  /** 1 for the first. */
  readonly attempt: number;
  readonly method: MethodSpec;
  readonly metadata: HeaderFields;
  readonly contextValues: ContextValues | undefined;
  readonly hashKey: string | undefined;
  readonly gate: ResponseGate;
  /** The one under way. */
  current: Attempt | undefined;
  /** In clock time, from when it was on a stream for the first time. */
  startedMs: number | undefined;
  readonly #shared: HedgedRequest;
  readonly #call: HedgedAttemptCall;

  constructor(number: number, shared: HedgedRequest, call: HedgedAttemptCall) {
    const { method, metadata, contextValues, options } = shared.request;
    this.attempt = number;
    this.method = method;
    this.metadata = metadata;
    this.contextValues = contextValues;
    this.hashKey = options.hashKey;
    this.gate = new ResponseGate(method.singleResponse, shared.listener, this);
    this.#shared = shared;
    this.#call = call;
  }

  get pickInfo(): PickInfo {
    return this;
  }

  get waitForReady(): boolean {
    return this.#call.waitForReady;
  }

  get tried(): readonly Backend[] {
    return this.#call.backendsBeside(this);
  }

  /** `transparent`: it repeats itself, because it did not run. */
  start(transparent: boolean): void {
    const { context, request } = this.#shared;
    const { counters } = context;
    const hedge = this.attempt > 1;
    if (hedge && !transparent) counters.hedgeStarted();
    else counters.attemptStarted(transparent ? "transparent" : undefined, 0);
    const trace = request.trace?.attempt({ number: this.attempt, transparent, hedge });
    const attempt = new Attempt(context, request, this, trace);
    this.current = attempt;
    trace?.start(request.metadata, context.protocol);
    // Whoever was told may have cancelled the call.
    if (!this.gate.isClosed) attempt.start();
  }

  onAttemptStarted(): void {
    this.startedMs ??= this.#shared.context.clock.now();
    this.#call.onStarted(this);
  }

  onAttemptWritable(): void {
    // The whole request went with the attempt.
  }

  onAttemptEnded(_: Attempt, failure: Failure | undefined): void {
    this.#call.onEnded(this, failure);
  }

  onCommitted(): void {
    this.#call.onWon(this);
  }
}
