import type { DescMessage, DescMethodStreaming, DescMethodUnary, MessageInitShape } from "@bufbuild/protobuf";
import type { ConnectError, ContextValues, StreamResponse, Transport, UnaryResponse } from "@connectrpc/connect";
import { checkNumber, checkSignal, longestMs } from "../base/check.ts";
import { toConnectError } from "../base/connect-error.ts";
import type { ConnectivityState } from "../base/connectivity-state.ts";
import { closedFailure, factOf } from "../base/errors.ts";
import { signalError } from "../calls/abort-watch.ts";
import { Lifetime } from "../calls/lifetime.ts";
import { OpenCalls } from "../calls/open-calls.ts";
import type { ResolvedOptions } from "../channel/options.ts";
import {
  aggregateState,
  type GlinkSnapshot,
  type SubchannelSnapshot,
  subchannelSnapshots,
} from "../channel/snapshot.ts";
import type { EventBus, GlinkListener } from "../observe/event-bus.ts";
import type { Pool } from "../pool/pool.ts";
import { timeoutError } from "../protocol/grpc/timeout.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { Caller, rejectedLater } from "./caller.ts";
import type { CallEnvironment, CallInput } from "./environment.ts";
import type { InterceptedCalls } from "./interceptors/intercepted.ts";
import { callStream } from "./stream.ts";
import { callUnary } from "./unary.ts";

/** How long `ready()` and `close()` wait. */
export interface WaitOptions {
  /** In milliseconds. Default: no limit for `ready`, 10 000 for `close`. */
  readonly timeoutMs?: number;
  /** Stops waiting when aborted. */
  readonly signal?: AbortSignal;
}

/** A Connect Transport with a pool of backends beneath. */
export interface GlinkTransport extends Transport {
  /**
   * Resolves once a backend is ready, and starts to connect if nothing has yet. Rejects with a ConnectError:
   * DeadlineExceeded after `timeoutMs`, with the newest reason in its text; Canceled by `signal`; FailedPrecondition
   * when the transport is closed; a RangeError or TypeError for a bad option.
   */
  ready(options?: WaitOptions): Promise<void>;
  /**
   * Takes no new calls, waits for the open ones, then closes every connection. After `timeoutMs` (default 10 000;
   * `Infinity`: no limit) or an abort of `signal`, calls still open fail with Canceled. Idempotent: every call returns
   * the promise of the first.
   */
  close(options?: WaitOptions): Promise<void>;
  /** `close()` with its defaults, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
  /** The transport at this moment, as plain data. */
  snapshot(): GlinkSnapshot;
  /** Calls `listener` with every event, until the returned function is called. */
  subscribe(listener: GlinkListener): () => void;
}

/** How long `close()` waits for open calls by default. */
const closeTimeoutMs = 10_000;

/** The transport over its parts: calls go down, `ready`, `close`, `snapshot` and `subscribe` look across. */
export class PooledTransport implements GlinkTransport {
  readonly #options: ResolvedOptions;
  readonly #environment: CallEnvironment;
  readonly #intercepted: InterceptedCalls | undefined;
  readonly #pool: Pool;
  readonly #runtime: Runtime;
  readonly #events: EventBus;
  /** Those who wait in `ready()`: no calls, but the process stays alive for them too. */
  readonly #waits: OpenCalls;
  #closing: Promise<void> | undefined;

  constructor(
    options: ResolvedOptions,
    environment: CallEnvironment,
    intercepted: InterceptedCalls | undefined,
    pool: Pool,
    runtime: Runtime,
    events: EventBus,
  ) {
    this.#options = options;
    this.#environment = environment;
    this.#intercepted = intercepted;
    this.#pool = pool;
    this.#runtime = runtime;
    this.#events = events;
    this.#waits = new OpenCalls(runtime.hold);
  }

  unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    signal: AbortSignal | undefined,
    timeoutMs: number | undefined,
    header: HeadersInit | undefined,
    message: MessageInitShape<I>,
    contextValues?: ContextValues,
  ): Promise<UnaryResponse<I, O>> {
    const refused = this.#closedError() ?? timeoutError(timeoutMs) ?? signalError(signal);
    if (refused !== undefined) return rejectedLater(this.#runtime.clock, refused);
    this.#pool.wake();
    const input = this.#input(signal, timeoutMs, header, contextValues);
    return this.#intercepted === undefined
      ? callUnary(this.#environment, method, message, input)
      : this.#intercepted.unary(method, message, input);
  }

  stream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodStreaming<I, O>,
    signal: AbortSignal | undefined,
    timeoutMs: number | undefined,
    header: HeadersInit | undefined,
    messages: AsyncIterable<MessageInitShape<I>>,
    contextValues?: ContextValues,
  ): Promise<StreamResponse<I, O>> {
    const refused = this.#closedError() ?? timeoutError(timeoutMs) ?? signalError(signal);
    if (refused !== undefined) return rejectedLater(this.#runtime.clock, refused);
    this.#pool.wake();
    const input = this.#input(signal, timeoutMs, header, contextValues);
    return this.#intercepted === undefined
      ? callStream(this.#environment, method, messages, input)
      : this.#intercepted.stream(method, messages, input);
  }

  async ready(options: WaitOptions = {}): Promise<void> {
    const closed = this.#closedError();
    if (closed !== undefined) return rejectedLater(this.#runtime.clock, closed);
    const timeoutMs = checkNumber("ready: timeoutMs", options.timeoutMs ?? Number.POSITIVE_INFINITY, waitRange);
    const signal = checkSignal("ready: signal", options.signal);
    const limitMs = timeoutMs === Number.POSITIVE_INFINITY ? undefined : timeoutMs;
    const caller = new Caller<void>();
    const lifetime = new Lifetime(this.#waits, this.#runtime.clock, limitMs, signal);
    const stopListening = this.#pool.onChange(() => check());
    const end = () => {
      stopListening();
      lifetime.end();
    };
    const check = () => {
      if (this.#pool.readyCount === 0) return;
      end();
      caller.resolve();
    };
    lifetime.begin({
      cancel: (failure) => {
        end();
        const last = this.#pool.lastFailure;
        const note = last === undefined ? "no backend was ready" : `no backend was ready; last error: ${last.message}`;
        caller.rejectLater(this.#runtime.clock, () => toConnectError(failure, { attempts: 0, note }));
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
        this.#close(timeoutMs, signal, closed);
      }
      return this.#closing;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  snapshot(): GlinkSnapshot {
    const { target, resolver, loadBalancing, engine } = this.#options;
    const subchannels = subchannelSnapshots(this.#pool, this.#runtime.clock);
    const { lastFailure } = this.#pool;
    const state = this.#stateOf(subchannels);
    return {
      target: target.url,
      resolver: resolver.name,
      loadBalancing: loadBalancing.name,
      engine: engine.name,
      engineChosenBy: engine.chosenBy,
      state,
      subchannels,
      draining: [...this.#pool.draining],
      openCalls: this.#environment.openCalls.size,
      queuedCalls: this.#pool.queuedCalls,
      callsStarted: this.#environment.openCalls.started,
      lastError: lastFailure === undefined || state === "ready" ? undefined : factOf(lastFailure),
    };
  }

  subscribe(listener: GlinkListener): () => void {
    if (typeof listener !== "function") throw new TypeError("subscribe takes a function");
    return this.#events.subscribe(listener);
  }

  /** Connect's rule: no timeout means the default, 0 or less means none. */
  #input(
    signal: AbortSignal | undefined,
    timeoutMs: number | undefined,
    header: HeadersInit | undefined,
    contextValues: ContextValues | undefined,
  ): CallInput {
    const limitMs = timeoutMs ?? this.#options.defaultTimeoutMs;
    const timed = limitMs !== undefined && limitMs > 0 && limitMs !== Number.POSITIVE_INFINITY;
    return { signal, timeoutMs: timed ? limitMs : undefined, header, contextValues, path: undefined, scope: undefined };
  }

  #closedError(): ConnectError | undefined {
    return this.#closing === undefined ? undefined : toConnectError(closedFailure("before"), { attempts: 0 });
  }

  #stateOf(subchannels: readonly SubchannelSnapshot[]): ConnectivityState {
    if (this.#closing !== undefined) return "shutdown";
    if (subchannels.length > 0) return aggregateState(subchannels.map(({ state }) => state));
    if (!this.#pool.started) return "idle";
    // As gRPC has it: a name without an answer is a failure, and one that is being looked up is on its way.
    return this.#pool.lastFailure === undefined ? "connecting" : "transient-failure";
  }

  #close(timeoutMs: number, signal: AbortSignal | undefined, closed: () => void): void {
    const { openCalls } = this.#environment;
    const { clock, hold } = this.#runtime;
    this.#waits.cancelAll(closedFailure("before"));
    const cut = () => openCalls.cancelAll(closedFailure("cut"));
    const timer = clock.setTimeout(cut, timeoutMs);
    signal?.addEventListener("abort", cut);
    if (signal?.aborted) cut();
    openCalls.end(closedFailure("before"), () => {
      clock.clearTimeout(timer);
      signal?.removeEventListener("abort", cut);
      // The last sockets close asynchronously: the caller's await keeps nothing alive by itself.
      hold.acquire();
      this.#pool.close(closedFailure("cut"), () => {
        hold.release();
        hold.close();
        if (this.#events.active) this.#events.publish({ type: "closed" });
        closed();
      });
    });
  }
}

const waitRange = { min: 0, max: longestMs, infinity: "no limit" };
