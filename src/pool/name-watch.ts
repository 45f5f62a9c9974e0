import { type Failure, factOf, nameResolutionFailure } from "../base/errors.ts";
import type { Events } from "../observe/events.ts";
import type { ResolverCounters } from "../observe/resolver-counters.ts";
import { callUserCode, reportUserCode } from "../observe/user-code.ts";
import type { Resolver, ResolverTarget, ResolverWatch } from "../resolver/resolver.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { type EndpointLists, listsOfAddresses, listsOfResolution } from "./endpoint-list.ts";

/** Told what the resolver finds, checked. */
export interface NameWatchListener {
  onResolved(lists: EndpointLists): void;
  /** A lookup failed, threw, or brought nothing of use. The last good list stays. */
  onResolveFailed(failure: Failure): void;
}

/** When the resolver was last heard, in clock time; undefined: never. */
export interface LookupFacts {
  readonly lastSuccessMs: number | undefined;
  readonly lastFailureMs: number | undefined;
}

/** What a name is watched with. */
export interface NameWatchOptions {
  readonly target: ResolverTarget;
  readonly resolver: Resolver;
  readonly runtime: Runtime;
  readonly events: Events;
  readonly resolverCounters: ResolverCounters;
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
export class NameWatch {
  readonly #target: ResolverTarget;
  readonly #resolver: Resolver;
  readonly #runtime: Runtime;
  readonly #events: Events;
  readonly #counters: ResolverCounters;
  readonly #listener: NameWatchListener;
  #state: State = { status: "resting" };
  #failure: Failure | undefined;
  #lastSuccessMs: number | undefined;
  #lastFailureMs: number | undefined;
  /** Of the lookup that runs, where the resolver says that one does. */
  #lookupStartedMs: number | undefined;
  #known: EndpointLists | undefined;

  constructor({ target, resolver, runtime, events, resolverCounters }: NameWatchOptions, listener: NameWatchListener) {
    this.#target = target;
    this.#resolver = resolver;
    this.#runtime = runtime;
    this.#events = events;
    this.#counters = resolverCounters;
    this.#listener = listener;
  }

  get resting(): boolean {
    return this.#state.status === "resting";
  }

  /** Why the last lookup failed; undefined when it did not. */
  get failure(): Failure | undefined {
    return this.#failure;
  }

  get facts(): LookupFacts {
    return { lastSuccessMs: this.#lastSuccessMs, lastFailureMs: this.#lastFailureMs };
  }

  /** When the resolver looks again by itself, in clock time; undefined: it does not say, or does not. */
  get nextLookupMs(): number | undefined {
    return this.#state.status === "watching" ? this.#state.watch?.nextLookupMs : undefined;
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
          onResolution: (resolution) => {
            if (this.#state === state) this.#found(() => listsOfResolution(resolution));
          },
          onAddresses: (addresses, fallback = []) => {
            if (this.#state === state) this.#found(() => listsOfAddresses(addresses, fallback));
          },
          onError: (error) => {
            if (this.#state === state) this.#failed(error);
          },
          onLookupStarted: () => {
            if (this.#state === state) this.#lookupStartedMs = this.#runtime.clock.now();
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

  #found(read: () => EndpointLists): void {
    let lists: EndpointLists;
    try {
      lists = read();
    } catch (error) {
      this.#failed(error);
      return;
    }
    const tookMs = this.#answered(true);
    const changed = this.#known === undefined || !sameIds(this.#known, lists);
    this.#known = lists;
    if (this.#events.active) {
      this.#events.publish({ type: "resolved", addresses: lists.preferred.size, tookMs, changed });
    }
    if (this.#failure !== undefined) {
      this.#failure = undefined;
      if (this.#events.active) this.#events.publish({ type: "resolve-recovered" });
    }
    this.#listener.onResolved(lists);
  }

  #failed(error: unknown): void {
    if (this.#state.status !== "watching") return;
    const first = this.#failure === undefined;
    this.#answered(false);
    const failure = nameResolutionFailure(this.#target.host, error);
    this.#failure = failure;
    if (this.#events.active) this.#events.publish({ type: "resolve-failed", error: factOf(failure), first });
    this.#listener.onResolveFailed(failure);
  }

  /** The resolver was heard. Returns how long it was asked; undefined: nobody knows. */
  #answered(succeeded: boolean): number | undefined {
    const nowMs = this.#runtime.clock.now();
    const tookMs = this.#lookupStartedMs === undefined ? undefined : Math.round(nowMs - this.#lookupStartedMs);
    this.#lookupStartedMs = undefined;
    if (succeeded) this.#lastSuccessMs = nowMs;
    else this.#lastFailureMs = nowMs;
    this.#counters.ended(succeeded, tookMs ?? 0);
    return tookMs;
  }
}

function sameIds(one: EndpointLists, other: EndpointLists): boolean {
  return [
    [one.preferred, other.preferred],
    [one.fallback, other.fallback],
  ].every(([a, b]) => a?.size === b?.size && a !== undefined && [...a.keys()].every((id) => b?.has(id)));
}
