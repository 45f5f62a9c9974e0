import { Code } from "@connectrpc/connect";
import type { Failure } from "../base/errors.ts";
import type { BackoffOptions } from "../runtime/backoff.ts";
import type { TimerHandle } from "../runtime/clock.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { PinnedBackend, PinnedCall, PinnedCalls, PinnedRequest } from "./pinned-calls.ts";
import { ReconnectBackoff } from "./reconnect-backoff.ts";

/** Told by a stream that is kept open. */
export interface LastingStreamListener {
  /** The listener owns the bytes. */
  onMessage(payload: Uint8Array): void;
  /** It ended, and is opened again after a while. */
  onInterrupted(failure: Failure | undefined): void;
  /** The server does not know the method: the stream is not opened again. */
  onUnimplemented(failure: Failure): void;
}

/** What a lasting stream works with. */
export interface LastingStreamContext {
  readonly runtime: Runtime;
  readonly listener: LastingStreamListener;
}

/** gRFC A17, by gRPC's connection-backoff.md. */
const backoff: BackoffOptions = { initialBackoffMs: 1_000, multiplier: 1.6, jitter: 0.2, maxBackoffMs: 120_000 };

/**
 * A pinned call that is kept open: one that ends is made again, after a wait that grows with each and that any message
 * resets. A server that sends a message and ends the stream, again and again, is asked once a second.
 */
export class LastingStream {
  readonly #make: () => PinnedCall;
  readonly #runtime: Runtime;
  readonly #backoff: ReconnectBackoff;
  #call: PinnedCall | undefined;
  #timer: TimerHandle | undefined;
  #stopped = false;

  constructor(calls: PinnedCalls, to: PinnedBackend, request: PinnedRequest, context: LastingStreamContext) {
    const { runtime, listener } = context;
    this.#runtime = runtime;
    this.#backoff = new ReconnectBackoff(backoff, runtime);
    this.#make = () =>
      calls.make(to, request, {
        onMessage: (payload) => {
          this.#backoff.forget();
          listener.onMessage(payload);
        },
        onEnded: (failure) => {
          this.#call = undefined;
          if (failure?.code === Code.Unimplemented) {
            this.stop();
            listener.onUnimplemented(failure);
            return;
          }
          this.#timer = runtime.clock.setTimeout(() => this.#open(), this.#backoff.failed());
          listener.onInterrupted(failure);
        },
      });
  }

  /** Opens it, once. The listener may hear of it before this returns. */
  start(): void {
    this.#open();
  }

  /** Nothing more is heard. Idempotent. */
  stop(): void {
    this.#stopped = true;
    this.#runtime.clock.clearTimeout(this.#timer);
    this.#call?.cancel();
  }

  #open(): void {
    if (this.#stopped) return;
    this.#timer = undefined;
    this.#backoff.dialStarted(this.#runtime.clock.now());
    this.#call = this.#make();
    this.#call.start();
  }
}
