import { type Address, checkAddress, formatAddress } from "../address.ts";
import { type Failure, factOf, nameResolutionFailure } from "../errors.ts";
import type { Events } from "../events.ts";
import type { Resolver, ResolverTarget, ResolverWatch } from "../resolver/resolver.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { callUserCode, reportUserCode } from "../user-code.ts";

/** Told what the resolver found, checked. */
export interface ResolutionListener {
  /** One or more addresses by their text, and those to fall back to: no duplicates. */
  resolved(addresses: ReadonlyMap<string, Address>, fallback: ReadonlyMap<string, Address>): void;
  /** A lookup failed, threw, or brought nothing of use. The last good list stays. */
  resolveFailed(failure: Failure): void;
}

/** A resolver whose `watch` threw is started again by a refresh, but not sooner than this. */
const restartAfterMs = 1_000;

/** Watches one name through a resolver, which may be the user's own: whatever it throws or reports, the pool is safe. */
export class Resolution {
  readonly #target: ResolverTarget;
  readonly #resolver: Resolver;
  readonly #runtime: Runtime;
  readonly #events: Events;
  readonly #listener: ResolutionListener;
  #watch: ResolverWatch | undefined;
  #started = false;
  #startedMs = 0;
  #closed = false;
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

  get started(): boolean {
    return this.#started;
  }

  /** Why the last lookup failed; undefined when it did not. */
  get failure(): Failure | undefined {
    return this.#failure;
  }

  /** Begins to resolve. */
  start(): void {
    this.#started = true;
    this.#startedMs = this.#runtime.clock.now();
    try {
      const watch = this.#resolver.watch(
        this.#target,
        {
          onAddresses: (addresses, fallback = []) => this.#found(addresses, fallback),
          onError: (error) => this.#failed(error),
        },
        this.#runtime,
      );
      // A method that is async by mistake: what is wrong is said below, and its rejection ends no process.
      if (watch instanceof Promise) watch.catch(() => undefined);
      if (typeof watch?.refresh !== "function" || typeof watch.close !== "function") {
        throw new TypeError("watch() of the resolver must return { refresh(), close() }");
      }
      this.#watch = watch;
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Asks the resolver to look again: a hint that it limits itself. One that could not start may try again. */
  refresh(): void {
    if (this.#closed) return;
    if (this.#watch === undefined) {
      if (this.#started && this.#runtime.clock.now() - this.#startedMs >= restartAfterMs) this.start();
      return;
    }
    const watch = this.#watch;
    callUserCode(
      () => watch.refresh(),
      [],
      (error) => this.#failed(error),
    );
  }

  /** Stops the resolver; what it reports afterwards is ignored. */
  close(): void {
    this.#closed = true;
    callUserCode(
      () => this.#watch?.close(),
      [],
      (error) => reportUserCode(this.#events, "resolver", error),
    );
  }

  #found(addresses: readonly Address[], fallback: readonly Address[]): void {
    if (this.#closed) return;
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
    if (this.#closed) return;
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
