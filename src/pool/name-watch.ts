import { type Failure, nameResolutionFailure } from "../base/errors.ts";
import type { Events } from "../observe/events.ts";
import type { ResolverObserver } from "../observe/resolver-observer.ts";
import { callUserCode, reportUserCode } from "../observe/user-code.ts";
import type { Resolver, ResolverTarget, ResolverWatch } from "../resolver/resolver.ts";
import { NewestWork } from "../runtime/newest-work.ts";
import type { Steps } from "../runtime/portions.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { type EndpointList, EndpointListReader, type EndpointLists, listsOfAddresses } from "./endpoint-list.ts";

/** Told what the resolver finds, checked. */
export interface NameWatchListener {
  /** As the resolver brought it, with the list that follows. Undefined: it has none. */
  onServiceConfig(config: object | string | undefined): void;
  onResolved(lists: EndpointLists): void;
  /** A lookup failed, threw, or brought nothing of use. The last good list stays. */
  onResolveFailed(failure: Failure): void;
}

/** What a name is watched with. */
export interface NameWatchOptions {
  readonly target: ResolverTarget;
  readonly resolver: Resolver;
  readonly runtime: Runtime;
  readonly events: Events;
  readonly resolverObserver: ResolverObserver;
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
  readonly #observer: ResolverObserver;
  readonly #listener: NameWatchListener;
  readonly #reader = new EndpointListReader();
  readonly #reading: NewestWork;
  #state: State = { status: "resting" };
  #failure: Failure | undefined;
  #known: EndpointLists | undefined;

  constructor({ target, resolver, runtime, events, resolverObserver }: NameWatchOptions, listener: NameWatchListener) {
    this.#target = target;
    this.#resolver = resolver;
    this.#runtime = runtime;
    this.#events = events;
    this.#observer = resolverObserver;
    this.#listener = listener;
    this.#reading = new NewestWork(runtime.clock);
  }

  get resting(): boolean {
    return this.#state.status === "resting";
  }

  /** Why the last lookup failed; undefined when it did not. */
  get failure(): Failure | undefined {
    return this.#failure;
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
            if (this.#state === state) this.#read(() => this.#reader.read(resolution), resolution.config);
          },
          onAddresses: (addresses, fallback = []) => {
            if (this.#state === state) this.#read(() => listsOfAddresses(addresses, fallback));
          },
          onError: (error) => {
            if (this.#state === state) this.#failed(error);
          },
          onLookupStarted: () => {
            if (this.#state === state) this.#observer.lookupStarted();
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
    this.#observer.rested();
    this.#reading.stop();
    const state = this.#state;
    this.#state = next;
    if (state.status !== "watching") return;
    callUserCode(
      () => state.watch?.close(),
      [],
      (error) => reportUserCode(this.#events, "resolver", error),
    );
  }

  /** `read` takes a copy, and throws, then or as the copy is read, what is wrong with it. */
  #read(read: () => Steps<EndpointLists>, config?: object | string): void {
    let reading: Steps<EndpointLists>;
    try {
      reading = read();
    } catch (error) {
      this.#failed(error);
      return;
    }
    this.#reading.begin(() => this.#stepsOf(reading, config));
  }

  *#stepsOf(reading: Steps<EndpointLists>, config: object | string | undefined): Steps<void> {
    let lists: EndpointLists;
    try {
      lists = yield* reading;
    } catch (error) {
      this.#failed(error);
      return;
    }
    this.#found(lists, config);
  }

  #found(lists: EndpointLists, config: object | string | undefined): void {
    const changed = this.#known === undefined || !sameIds(this.#known, lists);
    this.#known = lists;
    this.#failure = undefined;
    this.#observer.found(lists.preferred.size, changed);
    // First: calls that wait for the list go on with it.
    this.#listener.onServiceConfig(config);
    this.#listener.onResolved(lists);
  }

  #failed(error: unknown): void {
    if (this.#state.status !== "watching") return;
    const failure = nameResolutionFailure(this.#target.host, error);
    this.#failure = failure;
    this.#observer.failed(failure);
    this.#listener.onResolveFailed(failure);
  }
}

function sameIds(one: EndpointLists, other: EndpointLists): boolean {
  return haveSameIds(one.preferred, other.preferred) && haveSameIds(one.fallback, other.fallback);
}

function haveSameIds(one: EndpointList, other: EndpointList): boolean {
  if (one.size !== other.size) return false;
  for (const id of one.keys()) if (!other.has(id)) return false;
  return true;
}
