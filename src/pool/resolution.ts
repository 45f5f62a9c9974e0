import { type Failure, factOf, nameResolutionFailure } from "../base/errors.ts";
import { type Address, checkAddress, formatAddress } from "../endpoint/address.ts";
import type { Events } from "../observe/events.ts";
import { callUserCode, reportUserCode } from "../observe/user-code.ts";
import type { Resolver, ResolverTarget, ResolverWatch } from "../resolver/resolver.ts";
import type { Runtime } from "../runtime/runtime.ts";

/** Told what the resolver found, checked. */
export interface ResolutionListener {
  /** One or more addresses by their text, and those to fall back to: no duplicates. */
  resolved(addresses: ReadonlyMap<string, Address>, fallback: ReadonlyMap<string, Address>): void;
  /** A lookup failed, threw, or brought nothing of use. The last good list stays. */
  resolveFailed(failure: Failure): void;
}

/** A resolver whose `watch` threw is started again by a refresh, but not sooner than this. */
const restartAfterMs = 1_000;

type State =
  /** Nobody wants a list: not yet, or not for a while. */
  | { readonly status: "resting" }
  /** Without a `watch`: the resolver threw, and may be tried again. */
  | { readonly status: "watching"; readonly startedMs: number; watch: ResolverWatch | undefined }
  | { readonly status: "closed" };

/** Watches one name through a resolver, which may be the user's own: whatever it throws or reports, the pool is safe. */
export class Resolution {
  readonly #target: ResolverTarget;
  readonly #resolver: Resolver;
  readonly #runtime: Runtime;
  readonly #events: Events;
  readonly #listener: ResolutionListener;
  #state: State = { status: "resting" };
  #failure: Failure | undefined;

  constructor(
    target: ResolverTarget,
    resolver: Resolver,
    runtime: Runtime,
    events: Events,
    listener: ResolutionListener,
  ) {
    this.#target = target;
    this.#resolver = resolver;
    this.#runtime = runtime;
    this.#events = events;
    this.#listener = listener;
  }

  get resting(): boolean {
    return this.#state.status === "resting";
  }

  /** Why the last lookup failed; undefined when it did not. */
  get failure(): Failure | undefined {
    return this.#failure;
  }

  /** Begins to resolve, or begins again. */
  start(): void {
    const state: State = { status: "watching", startedMs: this.#runtime.clock.now(), watch: undefined };
    this.#state = state;
    try {
      const watch = this.#resolver.watch(
        this.#target,
        {
          // A watch that was closed is no longer listened to.
          onAddresses: (addresses, fallback = []) => {
            if (this.#state === state) this.#found(addresses, fallback);
          },
          onError: (error) => {
            if (this.#state === state) this.#failed(error);
          },
        },
        this.#runtime,
      );
      // A method that is async by mistake: what is wrong is said below, and its rejection ends no process.
      if (watch instanceof Promise) watch.catch(() => undefined);
      if (typeof watch?.refresh !== "function" || typeof watch.close !== "function") {
        throw new TypeError("watch() of the resolver must return { refresh(), close() }");
      }
      state.watch = watch;
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Asks the resolver to look again: a hint that it limits itself. One that could not start may try again. */
  refresh(): void {
    const state = this.#state;
    if (state.status !== "watching") return;
    const { watch, startedMs } = state;
    if (watch === undefined) {
      if (this.#runtime.clock.now() - startedMs >= restartAfterMs) this.start();
      return;
    }
    callUserCode(
      () => watch.refresh(),
      [],
      (error) => this.#failed(error),
    );
  }

  /** Stops the resolver until `start` is called again. That is a new beginning: an old failure says nothing about it. */
  rest(): void {
    this.#failure = undefined;
    this.#end({ status: "resting" });
  }

  /** Stops the resolver for good. */
  close(): void {
    this.#end({ status: "closed" });
  }

  #end(next: State): void {
    const state = this.#state;
    this.#state = next;
    if (state.status !== "watching") return;
    callUserCode(
      () => state.watch?.close(),
      [],
      (error) => reportUserCode(this.#events, "resolver", error),
    );
  }

  #found(addresses: readonly Address[], fallback: readonly Address[]): void {
    let list: Map<string, Address>;
    let fallbackList: Map<string, Address>;
    try {
      list = byText(addresses);
      fallbackList = byText(fallback);
      if (list.size === 0) throw new Error("the answer has no addresses");
    } catch (error) {
      this.#failed(error);
      return;
    }
    for (const key of list.keys()) fallbackList.delete(key);
    if (this.#failure !== undefined) {
      this.#failure = undefined;
      if (this.#events.active) this.#events.publish({ type: "resolve-recovered" });
    }
    this.#listener.resolved(list, fallbackList);
  }

  #failed(error: unknown): void {
    if (this.#state.status !== "watching") return;
    const first = this.#failure === undefined;
    const failure = nameResolutionFailure(this.#target.host, error);
    this.#failure = failure;
    if (this.#events.active) this.#events.publish({ type: "resolve-failed", error: factOf(failure), first });
    this.#listener.resolveFailed(failure);
  }
}

function byText(addresses: readonly Address[]): Map<string, Address> {
  const list = new Map<string, Address>();
  for (const given of addresses) {
    const address = checkAddress(given);
    list.set(formatAddress(address), address);
  }
  return list;
}
