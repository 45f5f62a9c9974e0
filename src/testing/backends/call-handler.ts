import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import {
  type ConnectRouter,
  type ContextKey,
  createContextKey,
  createContextValues,
  type Interceptor,
} from "@connectrpc/connect";
import { type ConnectNodeAdapterOptions, connectNodeAdapter } from "@connectrpc/connect-node";
import type { Clock, TimerHandle } from "../../index.ts";
import { type Order, StandingOrder } from "./orders.ts";

type NodeHandler = (request: Http2ServerRequest, response: Http2ServerResponse) => void;

/** What a server under test may be given of Connect's own settings. */
export type AdapterOptions = Pick<ConnectNodeAdapterOptions, "interceptors" | "acceptCompression">;

/** Calls of one backend: counted, and served by the routes unless an order says otherwise. */
export class CallHandler {
  readonly orders: StandingOrder = new StandingOrder();
  calls = 0;
  openCalls = 0;
  readonly #clock: Clock;
  readonly #onCall: (method: string) => void;
  readonly #handle: NodeHandler;
  readonly #orderOf = new WeakMap<object, Order>();
  readonly #key: ContextKey<Order | undefined> = createContextKey<Order | undefined>(undefined);
  readonly #kept = new Set<() => void>();

  constructor(
    routes: (router: ConnectRouter) => void,
    adapter: AdapterOptions,
    clock: Clock,
    onCall: (method: string) => void,
  ) {
    this.#clock = clock;
    this.#onCall = onCall;
    this.#handle = connectNodeAdapter({
      ...adapter,
      routes: (router) => void routes(router),
      contextValues: (request) => createContextValues().set(this.#key, this.#orderOf.get(request)),
      interceptors: [this.#obey(), ...(adapter.interceptors ?? [])],
    });
  }

  serve(request: Http2ServerRequest, response: Http2ServerResponse): void {
    const order = this.orders.take();
    this.calls++;
    this.openCalls++;
    request.stream.once("close", () => this.openCalls--);
    this.#onCall(request.url.replace(/^.*\/([^/]+\/[^/?]+)(\?.*)?$/, "$1"));
    if (order?.kind === "end-stream") {
      request.stream.close(order.http2Code);
      return;
    }
    if (order !== undefined) this.#orderOf.set(request, order);
    this.#handle(request, response);
  }

  /** Calls that are kept are served. */
  release(): void {
    for (const release of this.#kept) release();
  }

  /** Within Connect, so that a status is one of the caller's protocol. */
  #obey(): Interceptor {
    return (next) => async (request) => {
      const order = request.contextValues.get(this.#key);
      if (order?.kind === "status") throw order.error;
      if (order?.kind === "delay") await this.#wait(order.ms, request.signal);
      return next(request);
    };
  }

  #wait(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (settle: () => void) => {
        this.#kept.delete(release);
        this.#clock.clearTimeout(timer);
        signal.removeEventListener("abort", abort);
        settle();
      };
      const release = () => end(resolve);
      const abort = () => end(() => reject(signal.reason));
      const timer: TimerHandle = this.#clock.setTimeout(release, ms);
      this.#kept.add(release);
      signal.addEventListener("abort", abort);
      if (signal.aborted) abort();
    });
  }
}
