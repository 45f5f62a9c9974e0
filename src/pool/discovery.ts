import type { Failure } from "../base/errors.ts";
import type { Events } from "../observe/events.ts";
import type { Resolver, ResolverTarget } from "../resolver/resolver.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { type AddressList, Failover, type FailoverOwner } from "./failover.ts";
import type { Hints } from "./hints.ts";
import { IdleWatch } from "./idle-watch.ts";
import { RefreshClock } from "./refresh-clock.ts";
import { Resolution, type ResolutionListener } from "./resolution.ts";

/** The pool, as its discovery sees it. */
export interface DiscoveryOwner extends FailoverOwner {
  readonly readyCount: number;
  /** Nobody has called for long, and the last connection is closed: nothing is looked up before the next `start`. */
  discoveryRests(): void;
  /** A lookup failed. The last good list stays, if there was one. */
  resolveFailed(failure: Failure): void;
  /** The first lookup since `start` has ended: the addresses are as good as they get. */
  listIsCurrent(): void;
}

export interface DiscoveryOptions {
  readonly target: ResolverTarget;
  readonly resolver: Resolver;
  readonly runtime: Runtime;
  readonly events: Events;
  readonly rotationIntervalMs: number;
  /** Without a call for this long, nothing is looked up; `Infinity`: it always is. */
  readonly idleTimeoutMs: number;
}

/** Where the pool's addresses come from: the resolver, asked again at intervals, as long as somebody calls. */
export class Discovery implements ResolutionListener {
  readonly #hints: Hints;
  readonly #owner: DiscoveryOwner;
  readonly #resolution: Resolution;
  readonly #failover: Failover;
  readonly #refreshClock: RefreshClock;
  readonly #idleWatch: IdleWatch;
  #listIsOld = false;

  constructor(options: DiscoveryOptions, hints: Hints, owner: DiscoveryOwner) {
    const { target, resolver, runtime, events, rotationIntervalMs, idleTimeoutMs } = options;
    const { clock, hold } = runtime;
    this.#hints = hints;
    this.#owner = owner;
    this.#resolution = new Resolution(target, resolver, runtime, events, this);
    this.#failover = new Failover(owner, clock);
    this.#refreshClock = new RefreshClock(rotationIntervalMs, runtime, () => this.refresh());
    this.#idleWatch = new IdleWatch(idleTimeoutMs, clock, hold, () => this.#restIfClosed());
  }

  /** True before the first `start`, and when there were no calls for long. */
  get resting(): boolean {
    return this.#resolution.resting;
  }

  /**
   * True from `start` until the end of the first lookup. After a rest of hours the addresses of before it may be other
   * services' by now: calls wait.
   */
  get listIsOld(): boolean {
    return this.#listIsOld;
  }

  /** Why the last lookup failed; undefined when it did not. */
  get failure(): Failure | undefined {
    return this.#resolution.failure;
  }

  /** Begins to look up, or begins again. */
  start(): void {
    this.#listIsOld = true;
    this.#resolution.start();
    this.#refreshClock.start();
    this.#idleWatch.start();
  }

  /** There was a call. */
  used(): void {
    this.#idleWatch.asked = true;
  }

  /** Asks the resolver to look again: a hint that it limits itself. */
  refresh(): void {
    this.#resolution.refresh();
  }

  /** The state of a backend changed. */
  backendChanged(): void {
    this.#failover.backendChanged();
  }

  close(): void {
    this.#stopClocks();
    this.#resolution.close();
    this.#failover.stop();
  }

  resolved(list: AddressList, fallback: AddressList): void {
    this.#hints.resolved(list.size);
    this.#failover.resolved(list, fallback);
    this.#firstLookupEnded();
  }

  resolveFailed(failure: Failure): void {
    this.#owner.resolveFailed(failure);
    this.#firstLookupEnded();
  }

  #firstLookupEnded(): void {
    if (!this.#listIsOld) return;
    this.#listIsOld = false;
    this.#owner.listIsCurrent();
  }

  #restIfClosed(): void {
    if (this.#owner.readyCount > 0) return;
    this.#stopClocks();
    this.#resolution.rest();
    this.#owner.discoveryRests();
  }

  #stopClocks(): void {
    this.#refreshClock.stop();
    this.#idleWatch.stop();
  }
}
