import type { Failure } from "../base/errors.ts";
import type { CallEnd, CallListener, CallMaker, CallRequest, RunningCall } from "../calls/call.ts";
import { leftFailure } from "../calls/cancellable.ts";
import { Lifetime } from "../calls/lifetime.ts";
import type { OpenCalls } from "../calls/open-calls.ts";
import type { HeaderFields } from "../http2/connection.ts";
import { frameMessage } from "../protocol/framing.ts";
import { noFields } from "../protocol/metadata.ts";
import type { Clock } from "../runtime/clock.ts";
import type { CallLimits, ChannelCall } from "./channel.ts";

/**
 * What the calls of a channel work with. Whoever can make a call holds it, and nothing beneath the calls leads to it: when
 * it is collected, the channel was let go.
 */
export interface CallContext {
  readonly calls: CallMaker;
  readonly openCalls: OpenCalls;
  readonly clock: Clock;
}

/**
 * One call of a channel: its lifetime, and what runs meanwhile. It is its own lifetime, and hears its response itself,
 * because each of these would be one more object for every call.
 */
export class OpenCall extends Lifetime implements ChannelCall, CallListener {
  isLeft = false;
  readonly #context: CallContext;
  readonly #listener: CallListener;
  #running: RunningCall | undefined;
  #hasBegun = false;
  #isKept = false;

  constructor(context: CallContext, listener: CallListener, { group, timeoutMs, signal }: CallLimits) {
    const { openCalls, clock } = context;
    super(group ?? openCalls, clock, timeoutMs, signal);
    if (group === undefined) openCalls.started++;
    this.#context = context;
    this.#listener = listener;
  }

  override begin(): void {
    this.#hasBegun = true;
    super.begin(this);
  }

  start(request: CallRequest, message?: Uint8Array, flag = 0): void {
    if (!this.#hasBegun) this.begin();
    if (!this.isOpen) return;
    if (message !== undefined) request.body = frameMessage(message, flag);
    this.#running = this.#context.calls.make(request, this);
    this.#running.start();
  }

  send(message: Uint8Array, flag = 0): boolean {
    return this.#running?.send(frameMessage(message, flag)) ?? true;
  }

  halfClose(message?: Uint8Array, flag = 0): void {
    this.#running?.halfClose(message === undefined ? undefined : frameMessage(message, flag));
  }

  pause(): void {
    this.#running?.pause();
  }

  resume(): void {
    this.#running?.resume();
  }

  override cancel(failure: Failure): void {
    if (this.#running !== undefined) this.#running.cancel(failure);
    else if (this.isOpen) this.onEnd({ failure, headers: noFields, trailers: noFields, attempts: 0, note: undefined });
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
    if (!this.#isKept) this.end();
  }
}
