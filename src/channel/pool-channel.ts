import type { ConnectError } from "@connectrpc/connect";
import { checkNumber, checkSignal, longestMs } from "../base/check.ts";
import { toConnectError } from "../base/connect-error.ts";
import { closedFailure } from "../base/errors.ts";
import type { MethodSpec } from "../base/method-spec.ts";
import { signalError } from "../calls/abort-watch.ts";
import type { CallListener } from "../calls/call.ts";
import { Lifetime } from "../calls/lifetime.ts";
import type { MethodPolicies } from "../calls/methods/method-policies.ts";
import { OpenCalls } from "../calls/open-calls.ts";
import { timeoutError } from "../calls/timeout-check.ts";
import type { UnreadMemory } from "../http2/unread-memory.ts";
import type { EventBus, GlinkListener } from "../observe/event-bus.ts";
import type { GlinkSnapshot } from "../observe/snapshot.ts";
import type { Pool } from "../pool/pool.ts";
import type { Protocol } from "../protocol/protocol.ts";
import type { Clock } from "../runtime/clock.ts";
import type { ProcessHold } from "../runtime/process-hold.ts";
import { Caller, rejectedLater } from "./caller.ts";
import type { CallInit, Channel, ChannelCall, WaitOptions } from "./channel.ts";
import { type CallContext, OpenCall } from "./open-call.ts";
import type { Snapshots } from "./take-snapshot.ts";

/** What a channel is made of. */
export interface ChannelParts {
  readonly snapshots: Snapshots;
  readonly context: CallContext;
  readonly pool: Pool;
  readonly events: EventBus;
  readonly hold: ProcessHold;
  readonly unread: UnreadMemory;
  /** To be called once the pool is closed. */
  readonly closed: () => void;
}

/** How long `close()` waits for open calls by default. */
const closeTimeoutMs = 10_000;

const waitRange = { min: 0, max: longestMs, infinity: "no limit" };

/** A channel over a pool: its calls go down, `ready`, `close`, `snapshot` and `subscribe` look across. */
export class PoolChannel implements Channel {
  readonly clock: Clock;
  readonly protocol: Protocol;
  readonly policies: MethodPolicies;
  readonly openCalls: OpenCalls;
  readonly unread: UnreadMemory;
  readonly #snapshots: Snapshots;
  readonly #context: CallContext;
  readonly #pool: Pool;
  readonly #events: EventBus;
  readonly #hold: ProcessHold;
  readonly #closed: () => void;
  /** Those who wait in `ready()`: no calls, but the process stays alive for them too. */
  readonly #waits: OpenCalls;
  #closing: Promise<void> | undefined;

  constructor({ snapshots, context, pool, events, hold, unread, closed }: ChannelParts) {
    this.clock = context.clock;
    this.protocol = context.protocol;
    this.policies = context.policies;
    this.openCalls = context.openCalls;
    this.unread = unread;
    this.#snapshots = snapshots;
    this.#context = context;
    this.#pool = pool;
    this.#events = events;
    this.#hold = hold;
    this.#closed = closed;
    this.#waits = new OpenCalls(hold);
  }

  refusal(signal: AbortSignal | undefined, timeoutMs: number | undefined): ConnectError | undefined {
    return this.#closedError() ?? timeoutError(timeoutMs) ?? signalError(signal);
  }

  wake(): void {
    this.#pool.wake();
  }

  call(method: MethodSpec, listener: CallListener, init: CallInit): ChannelCall {
    return new OpenCall(this.#context, method, listener, init);
  }

  async ready(options: WaitOptions = {}): Promise<void> {
    const closed = this.#closedError();
    if (closed !== undefined) return rejectedLater(this.clock, closed);
    const timeoutMs = checkNumber("ready: timeoutMs", options.timeoutMs ?? Number.POSITIVE_INFINITY, waitRange);
    const signal = checkSignal("ready: signal", options.signal);
    const limitMs = timeoutMs === Number.POSITIVE_INFINITY ? undefined : timeoutMs;
    const caller = new Caller<void>();
    const lifetime = new Lifetime(this.#waits, this.clock, limitMs, signal);
    const stopListening = this.#pool.onChange(() => check());
    const end = () => {
      stopListening();
      lifetime.end();
    };
    const check = () => {
      if (!this.#pool.canServe) return;
      end();
      caller.resolve();
    };
    lifetime.begin({
      cancel: (failure) => {
        end();
        const last = this.#pool.lastFailure;
        const note = last === undefined ? "no backend was ready" : `no backend was ready; last error: ${last.message}`;
        caller.rejectLater(this.clock, () => toConnectError(failure, { attempts: 0, note }));
      },
    });
    if (lifetime.isOpen) {
      this.#pool.wake();
      check();
    }
    return caller.promise;
  }

  close(options: WaitOptions = {}): Promise<void> {
    try {
      const timeoutMs = checkNumber("close: timeoutMs", options.timeoutMs ?? closeTimeoutMs, waitRange);
      const signal = checkSignal("close: signal", options.signal);
      if (this.#closing === undefined) {
        let closed = () => {};
        // First: whoever hears of the end may call again.
        this.#closing = new Promise((resolve) => {
          closed = resolve;
        });
        this.#snapshots.isClosed = true;
        this.#close(timeoutMs, signal, closed);
      }
      return this.#closing;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  snapshot(): GlinkSnapshot {
    return this.#snapshots.take();
  }

  subscribe(listener: GlinkListener): () => void {
    if (typeof listener !== "function") throw new TypeError("subscribe takes a function");
    return this.#events.subscribe(listener);
  }

  #closedError(): ConnectError | undefined {
    return this.#closing === undefined ? undefined : toConnectError(closedFailure("before"), { attempts: 0 });
  }

  #close(timeoutMs: number, signal: AbortSignal | undefined, closed: () => void): void {
    this.#waits.cancelAll(closedFailure("before"));
    const cut = () => this.openCalls.cancelAll(closedFailure("cut"));
    const timer = this.clock.setTimeout(cut, timeoutMs);
    signal?.addEventListener("abort", cut);
    if (timeoutMs === 0 || signal?.aborted) cut();
    this.openCalls.end(closedFailure("before"), () => {
      this.clock.clearTimeout(timer);
      signal?.removeEventListener("abort", cut);
      // The last sockets close asynchronously: the caller's await keeps nothing alive by itself.
      this.#hold.acquire();
      this.#pool.close(closedFailure("cut"), () => {
        this.#hold.release();
        this.#closed();
        closed();
      });
    });
  }
}
