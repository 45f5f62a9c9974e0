import { type Failure, noEndpointsFailure } from "../base/errors.ts";
import type { Events } from "../observe/events.ts";
import type { ResolverObserver, ResolverTimes } from "../observe/resolver-observer.ts";
import type { Resolver, ResolverTarget } from "../resolver/resolver.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { EndpointLists } from "./endpoint-list.ts";
import { type BackendFacts, Failover, type FailoverListener } from "./failover.ts";
import type { Hints } from "./hints.ts";
import { IdleWatch } from "./idle-watch.ts";
import { LossGuard } from "./loss-guard.ts";
import { NameWatch } from "./name-watch.ts";
import { RefreshClock } from "./refresh-clock.ts";
import { Subset } from "./subset.ts";
import type { SubsetSize } from "./subset-options.ts";

/** How fresh a list of endpoints is: times in clock time, undefined for never. */
export interface ResolutionFacts extends ResolverTimes {
  /** Why the last lookup failed; undefined when it did not. */
  readonly failure: Failure | undefined;
  /** When the resolver is asked next at the latest. */
  readonly nextLookupMs: number | undefined;
}

/** What discovery asks of the pool. */
export interface DiscoveredBackends {
  readonly readyCount: number;
  /** A backend in use. */
  get(id: string): BackendFacts | undefined;
}

/** Told what discovery finds, and of its rest. */
export interface DiscoveryListener extends FailoverListener {
  /** Nobody has called for long, and the last connection is closed: nothing is looked up before the next `start`. */
  onRest(): void;
  /** As the resolver brought it. Undefined: it has none. */
  onServiceConfig(config: object | string | undefined): void;
  /** A lookup failed. The last good list stays, if there was one. */
  onResolveFailed(failure: Failure): void;
  /** The first lookup since `start` has ended: the endpoints are as good as they get. */
  onListCurrent(): void;
}

export interface DiscoveryOptions {
  readonly target: ResolverTarget;
  readonly resolver: Resolver;
  readonly runtime: Runtime;
  readonly events: Events;
  readonly resolverObserver: ResolverObserver;
  readonly rotationIntervalMs: number;
  /** Without a call for this long, nothing is looked up; `Infinity`: it always is. */
  readonly idleTimeoutMs: number;
  readonly subsetSize: SubsetSize;
}

const none: ReadonlySet<string> = new Set();

/** Where the pool's endpoints come from: the resolver, asked again at intervals, as long as somebody calls. */
export class Discovery {
  readonly #host: string;
  readonly #hints: Hints;
  readonly #backends: DiscoveredBackends;
  readonly #listener: DiscoveryListener;
  readonly #observer: ResolverObserver;
  readonly #names: NameWatch;
  readonly #failover: Failover;
  /** None where the resolver's answers are whole. */
  readonly #lossGuard: LossGuard | undefined;
  readonly #refreshClock: RefreshClock;
  readonly #idleWatch: IdleWatch;
  #listIsOld = false;
  /** The resolver's last word: there are no endpoints. */
  #isEmpty = false;

  constructor(options: DiscoveryOptions, backends: DiscoveredBackends, hints: Hints, listener: DiscoveryListener) {
    const { runtime, resolver, events, rotationIntervalMs, idleTimeoutMs } = options;
    const { clock, hold } = runtime;
    this.#host = options.target.host;
    this.#hints = hints;
    this.#backends = backends;
    this.#listener = listener;
    this.#observer = options.resolverObserver;
    this.#names = new NameWatch(options, {
      onServiceConfig: (config) => listener.onServiceConfig(config),
      onResolved: (lists) => this.#resolved(lists),
      onResolveFailed: (failure) => {
        listener.onResolveFailed(failure);
        this.#firstLookupEnded();
      },
    });
    const backendOf = (id: string) => backends.get(id);
    const subset = new Subset(options.subsetSize, runtime.random);
    this.#failover = new Failover(backendOf, clock, listener, subset);
    this.#lossGuard = resolver.confirmLosses === true ? new LossGuard(backendOf, events) : undefined;
    this.#refreshClock = new RefreshClock(rotationIntervalMs, runtime, () => this.refresh());
    this.#idleWatch = new IdleWatch(idleTimeoutMs, clock, hold, () => this.#restIfClosed());
  }

  /** True before the first `start`, and when there were no calls for long. */
  get resting(): boolean {
    return this.#names.resting;
  }

  /**
   * True from `start` until the end of the first lookup. After a rest of hours the addresses of before it may be other
   * services' by now: calls wait.
   */
  get listIsOld(): boolean {
    return this.#listIsOld;
  }

  /** Why there is no newer list: the last lookup failed. Or why there are no backends: the resolver says so. */
  get failure(): Failure | undefined {
    return this.#names.failure ?? (this.#isEmpty ? noEndpointsFailure(this.#host) : undefined);
  }

  /** Backends to keep while they work, though the last answer lacks them. */
  get held(): ReadonlySet<string> {
    return this.#lossGuard?.held ?? none;
  }

  get resolution(): ResolutionFacts {
    const { failure, nextLookupMs = Number.POSITIVE_INFINITY } = this.#names;
    const nextMs = Math.min(nextLookupMs, this.#refreshClock.dueMs);
    return { ...this.#observer.times, failure, nextLookupMs: nextMs === Number.POSITIVE_INFINITY ? undefined : nextMs };
  }

  /** Begins to look up, or begins again. */
  start(): void {
    this.#listIsOld = true;
    this.#names.start();
    this.#refreshClock.start();
    this.#idleWatch.start();
  }

  /** There was a call. */
  used(): void {
    this.#idleWatch.asked = true;
  }

  /** Asks the resolver to look again: a hint that it limits itself. */
  refresh(): void {
    this.#names.refresh();
  }

  /** The state of a backend changed. */
  backendChanged(backend: BackendFacts): void {
    this.#failover.backendChanged(backend);
  }

  close(): void {
    this.#stopClocks();
    this.#names.close();
    this.#failover.stop();
  }

  #resolved(lists: EndpointLists): void {
    const { size } = lists.preferred;
    this.#isEmpty = size === 0;
    this.#hints.resolved(size);
    const isDoubted = this.#lossGuard?.resolved(lists) === true;
    this.#failover.resolved(lists);
    if (isDoubted) this.refresh();
    this.#firstLookupEnded();
  }

  #firstLookupEnded(): void {
    if (!this.#listIsOld) return;
    this.#listIsOld = false;
    this.#listener.onListCurrent();
  }

  #restIfClosed(): void {
    if (this.#backends.readyCount > 0) return;
    this.#stopClocks();
    this.#names.rest();
    this.#listener.onRest();
  }

  #stopClocks(): void {
    this.#refreshClock.stop();
    this.#idleWatch.stop();
  }
}
