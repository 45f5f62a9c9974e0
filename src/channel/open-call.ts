import type { Failure } from "../base/errors.ts";
import type { MethodSpec } from "../base/method-spec.ts";
import type { CallEnd, CallFactory, CallListener, CallRequest, RunningCall } from "../calls/call.ts";
import type { CallObserver } from "../calls/call-observer.ts";
import type { CallTrace } from "../calls/call-trace.ts";
import { leftFailure } from "../calls/cancellable.ts";
import { Lifetime } from "../calls/lifetime.ts";
import type { MethodPolicies } from "../calls/methods/method-policies.ts";
import { noAttempt } from "../calls/no-attempt.ts";
import type { OpenCalls } from "../calls/open-calls.ts";
import type { HeaderFields } from "../http2/connection.ts";
import type { FramedMessage } from "../protocol/framed-message.ts";
import type { MessageMemory } from "../protocol/message-memory.ts";
import type { Protocol } from "../protocol/protocol.ts";
import type { Clock } from "../runtime/clock.ts";
import type { CallInit, ChannelCall } from "./channel.ts";

/**
 * What the calls of a channel work with. Whoever can make a call holds it, and nothing beneath the calls leads to it: when
 * it is collected, the channel was let go.
 */
export interface CallContext {
  readonly calls: CallFactory;
  readonly policies: MethodPolicies;
  readonly openCalls: OpenCalls;
  readonly clock: Clock;
  readonly protocol: Protocol;
  /** Where request messages are framed. */
  readonly requestMemory: MessageMemory;
  readonly observer: CallObserver;
}

/**
 * One call of a channel: its lifetime, and what runs meanwhile. It is its own lifetime, and hears its response itself,
 * because each of these would be one more object for every call.
 */
export class OpenCall extends Lifetime implements ChannelCall, CallListener {
  isLeft = false;
  readonly #context: CallContext;
  readonly #method: MethodSpec;
  readonly #listener: CallListener;
  readonly #trace: CallTrace | undefined;
  #running: RunningCall | undefined;
  #hasBegun = false;
  #isKept = false;

  constructor(
    context: CallContext,
    method: MethodSpec,
    listener: CallListener,
    { group, timeoutMs, signal, contextValues }: CallInit,
  ) {
    const { openCalls, clock, observer } = context;
    super(group ?? openCalls, clock, timeoutMs, signal);
    if (group === undefined) openCalls.started();
    this.#context = context;
    this.#method = method;
    this.#trace = observer.callStarted(method, timeoutMs, contextValues);
    this.#listener = listener;
  }

  override begin(): void {
    this.#hasBegun = true;
    super.begin(this);
  }

  start(request: CallRequest, message?: Uint8Array, flag = 0): void {
    if (!this.#hasBegun) this.begin();
    if (!this.isOpen) return;
    if (message !== undefined) request.body = this.#frame(message, flag);
    request.trace = this.#trace;
    this.#running = this.#context.calls.make(request, this);
    this.#running.start();
  }

  send(message: Uint8Array, flag = 0): boolean {
    return this.#running?.send(this.#frame(message, flag)) ?? true;
  }

  halfClose(message?: Uint8Array, flag = 0): void {
    this.#running?.halfClose(message === undefined ? undefined : this.#frame(message, flag));
  }

  pause(): void {
    this.#running?.pause();
  }

  resume(): void {
    this.#running?.resume();
  }

  override cancel(failure: Failure): void {
    if (this.#running !== undefined) this.#running.cancel(failure);
    else if (this.isOpen) this.onEnd({ failure, ...noAttempt });
  }

  override abandoned(): void {
    this.isLeft = true;
    this.cancel(leftFailure());
  }

  keepOpen(): void {
    this.#isKept = true;
  }

  onHeaders(fields: HeaderFields): void {
    this.#listener.onHeaders(fields);
  }

  onMessage(flag: number, payload: Uint8Array): void {
    this.#listener.onMessage(flag, payload);
  }

  onWritable(): void {
    this.#listener.onWritable();
  }

  onEnd(end: CallEnd): void {
    this.#running = undefined;
    this.#isKept = false;
    this.#listener.onEnd(end);
    if (!this.#isKept) this.finish(end.failure);
  }

  finish(failure: Failure | undefined): void {
    if (!this.isOpen) return;
    this.end();
    this.#context.observer.callEnded(this.#trace, failure);
  }

  #frame(message: Uint8Array, flag: number): FramedMessage {
    const { protocol, requestMemory } = this.#context;
    return protocol.frame(this.#method, message, flag, requestMemory);
  }
}
