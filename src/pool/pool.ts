import { Code } from "@connectrpc/connect";
import { type Address, checkAddress, formatAddress } from "../address.ts";
import type { Picker } from "../balancing/picker.ts";
import type { LoadBalancing, Policy } from "../balancing/policy.ts";
import type { ConnectivityState } from "../connectivity-state.ts";
import { describeCause, type Failure, factOf, nameResolutionFailure, noBackendFailure } from "../errors.ts";
import type { Events } from "../events.ts";
import type { Resolver, ResolverTarget, ResolverWatch } from "../resolver/resolver.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Backend } from "../subchannel/backend.ts";
import type { LiveConnection } from "../subchannel/live-connection.ts";
import {
  type RetireReason,
  Subchannel,
  type SubchannelOptions,
  type SubchannelOwner,
} from "../subchannel/subchannel.ts";
import { CallQueue, type PendingCall, type PickOutcome } from "./call-queue.ts";
import { Drain } from "./drain.ts";
import { Rotation } from "./rotation.ts";

/** What a pool is made of. */
export interface PoolOptions {
  readonly target: ResolverTarget;
  readonly resolver: Resolver;
  readonly loadBalancing: LoadBalancing;
  readonly subchannel: SubchannelOptions;
  readonly runtime: Runtime;
  readonly events: Events;
  readonly rotationIntervalMs: number;
  readonly drainTimeoutMs: number;
  readonly maxQueuedCalls: number;
}

const queueAll: Picker = { pick: () => "queue" };

/** The backends of one target: resolves, reconciles, and finds a backend for each attempt. */
export class Pool implements SubchannelOwner {
  readonly #options: PoolOptions;
  readonly #events: Events;
  readonly #subchannels = new Map<string, Subchannel>();
  readonly #queue = new CallQueue();
  readonly #drain: Drain;
  readonly #rotation: Rotation;
  readonly #policy: Policy;
  readonly #readyListeners = new Set<() => void>();
  #watch: ResolverWatch | undefined;
  #picker: Picker = queueAll;
  #resting = false;
  #updateScheduled = false;
  #closed = false;
  /** Set while the last lookup failed: what calls get when there is no list to go on with. */
  #resolveFailure: Failure | undefined;

  constructor(options: PoolOptions) {
    const { runtime, events, loadBalancing, subchannel } = options;
    this.#options = options;
    this.#events = events;
    this.#drain = new Drain(options.drainTimeoutMs, runtime.clock, events);
    const { rotationIntervalMs } = options;
    this.#rotation = new Rotation(
      { rotationIntervalMs, maxConnectionAgeMs: subchannel.maxConnectionAgeMs },
      runtime,
      () => this.refresh(),
      { [Symbol.iterator]: () => this.#subchannels.values() },
    );
    this.#policy = loadBalancing.createPolicy({
      random: runtime.random,
      publish: (picker) => {
        this.#picker = picker;
      },
    });
  }

  /** Begins to resolve and connect, if that has not begun, and ends a rest. Called when a call begins. */
  wake(): void {
    if (this.#watch === undefined) this.#start();
    else if (this.#resting) this.#endRest();
  }

  /** Finds a backend now, or puts the call in the queue: then it is told later. */
  dispatch(call: PendingCall): PickOutcome {
    const outcome = this.#pick(call);
    if (outcome !== "queue") return outcome;
    const { maxQueuedCalls } = this.#options;
    if (this.#queue.size >= maxQueuedCalls) {
      return {
        kind: "queue-full",
        code: Code.ResourceExhausted,
        progress: "unsent",
        message: `${this.#queue.size} calls already wait for a connection (maxQueuedCalls ${maxQueuedCalls})`,
      };
    }
    this.#queue.add(call);
    return "queue";
  }

  /** The call no longer waits. */
  unqueue(call: PendingCall): void {
    this.#queue.remove(call);
  }

  /** Asks the resolver to look again: a hint that it limits itself. */
  refresh(): void {
    try {
      this.#watch?.refresh();
    } catch (error) {
      this.#resolveFailed(error);
    }
  }

  get readyCount(): number {
    let count = 0;
    for (const { state } of this.#subchannels.values()) if (state === "ready") count++;
    return count;
  }

  /** True when a call that tried these backends has another to go to. */
  hasReadyBackendBeyond(tried: readonly Backend[]): boolean {
    for (const subchannel of this.#subchannels.values()) {
      if (subchannel.hasRoom && !tried.includes(subchannel)) return true;
    }
    return false;
  }

  get queuedCalls(): number {
    return this.#queue.size;
  }

  get subchannels(): Iterable<Subchannel> {
    return this.#subchannels.values();
  }

  get draining(): Iterable<{ readonly address: string; readonly openCalls: number }> {
    return this.#drain;
  }

  /** Why no backend is ready, as far as it is known. */
  get lastFailure(): Failure | undefined {
    for (const { lastFailure } of this.#subchannels.values()) if (lastFailure !== undefined) return lastFailure;
    return this.#resolveFailure;
  }

  /** Calls `listener` after each change of a backend's state, until the returned function is called. */
  onChange(listener: () => void): () => void {
    this.#readyListeners.add(listener);
    return () => this.#readyListeners.delete(listener);
  }

  /** Ends everything. Open calls on connections fail with `failure`; calls back when all sockets are closed. */
  close(failure: Failure, closed: () => void): void {
    this.#closed = true;
    this.#rotation.stop();
    this.#watch?.close();
    for (const subchannel of this.#subchannels.values()) subchannel.shutdown("closing");
    this.#subchannels.clear();
    this.#drain.closeAll(failure);
    this.#drain.whenEmpty(closed);
  }

  subchannelChanged(subchannel: Subchannel, from: ConnectivityState, failure: Failure | undefined): void {
    const { state, key } = subchannel;
    if (this.#events.active) {
      const error = failure === undefined ? undefined : factOf(failure);
      this.#events.publish({ type: "subchannel-state", address: key, from, to: state, error });
    }
    // A loss or a failed dial is the first sign that the list is out of date.
    if (failure !== undefined || (from === "ready" && state !== "shutdown")) this.refresh();
    if (state === "ready") this.#rotation.watchAge();
    this.#scheduleUpdate();
  }

  subchannelCapacity(): void {
    if (this.#queue.size > 0) this.#queue.serve((call) => this.#pick(call), false);
  }

  subchannelResting(): void {
    this.#resting = true;
  }

  connectionRetired(subchannel: Subchannel, live: LiveConnection, reason: RetireReason): void {
    this.#drain.add(subchannel.key, live, reason);
    if (reason === "max-age") this.#rotation.watchAge();
  }

  goawayReceived(subchannel: Subchannel, goaway: { readonly code: number; readonly debug: string }): void {
    const { code, debug } = goaway;
    if (this.#events.active) this.#events.publish({ type: "goaway", address: subchannel.key, http2Code: code, debug });
    // gRFC A8. The server speaks for all of its kind: the whole pool slows down.
    if (debug.includes("too_many_pings")) for (const one of this.#subchannels.values()) one.slowDownPings();
  }

  #start(): void {
    const { resolver, target, runtime } = this.#options;
    // Set first: a resolver that throws must not be started again by every call.
    this.#watch = { refresh: () => undefined, close: () => undefined };
    try {
      this.#watch = resolver.watch(
        target,
        {
          onAddresses: (addresses) => this.#resolved(addresses),
          onError: (error) => this.#resolveFailed(error),
        },
        runtime,
      );
    } catch (error) {
      this.#resolveFailed(error);
    }
    this.#rotation.start();
  }

  #resolved(addresses: readonly Address[]): void {
    if (this.#closed) return;
    const list = new Map<string, Address>();
    try {
      for (const address of addresses) list.set(formatAddress(checkAddress(address)), address);
      if (list.size === 0) throw new Error("the answer has no addresses");
    } catch (error) {
      this.#resolveFailed(error);
      return;
    }
    if (this.#resolveFailure !== undefined) {
      this.#resolveFailure = undefined;
      if (this.#events.active) this.#events.publish({ type: "resolve-recovered" });
    }
    this.#reconcile(list);
  }

  /** Keeps what stayed, adds what is new, drains what left. Pickers skip what has left until they are replaced. */
  #reconcile(list: ReadonlyMap<string, Address>): void {
    const removed: Subchannel[] = [];
    for (const [key, subchannel] of this.#subchannels) if (!list.has(key)) removed.push(subchannel);
    const added: string[] = [];
    for (const [key, address] of list) {
      if (this.#subchannels.has(key)) continue;
      this.#subchannels.set(key, new Subchannel(address, this.#options.subchannel, this));
      added.push(key);
    }
    if (added.length === 0 && removed.length === 0) return;
    for (const { key } of removed) this.#subchannels.delete(key);
    if (this.#events.active) {
      this.#events.publish({
        type: "pool-updated",
        added,
        removed: removed.map(({ key }) => key),
        kept: this.#subchannels.size - added.length,
      });
    }
    for (const subchannel of removed) subchannel.shutdown("removed");
    this.#scheduleUpdate();
  }

  #resolveFailed(error: unknown): void {
    if (this.#closed) return;
    const first = this.#resolveFailure === undefined;
    const failure = nameResolutionFailure(this.#options.target.host, error);
    this.#resolveFailure = failure;
    if (this.#events.active) this.#events.publish({ type: "resolve-failed", error: factOf(failure), first });
    if (this.#subchannels.size > 0) return;
    this.#picker = { pick: () => failure };
    this.#queue.serve((call) => this.#pick(call), true);
  }

  #pick(call: PendingCall): PickOutcome {
    let result: ReturnType<Picker["pick"]>;
    try {
      result = this.#picker.pick(call.pickInfo);
      if (result instanceof Subchannel || result === "queue") return result;
      if (!("kind" in result)) throw new TypeError(`a picker returns a backend, "queue" or a failure, not ${result}`);
    } catch (error) {
      this.#userCodeFailed("picker", error);
      const message = `the load-balancing policy threw: ${describeCause(error)}`;
      return { kind: "no-backend", code: Code.Internal, progress: "unsent", message, cause: error };
    }
    if (call.waitForReady) return "queue";
    return noBackendFailure(`no backend of ${this.#options.target.host} is reachable`, result);
  }

  /** State changes of one tick become one update: 10 000 backends that connect at once are not 10 000 rebuilds. */
  #scheduleUpdate(): void {
    if (this.#updateScheduled || this.#closed) return;
    this.#updateScheduled = true;
    queueMicrotask(() => {
      this.#updateScheduled = false;
      if (this.#closed) return;
      try {
        this.#policy.update([...this.#subchannels.values()]);
      } catch (error) {
        this.#userCodeFailed("load-balancing policy", error);
      }
      this.#queue.serve((call) => this.#pick(call), true);
      for (const listener of this.#readyListeners) listener();
    });
  }

  #userCodeFailed(where: string, error: unknown): void {
    if (this.#events.active) this.#events.publish({ type: "user-code-failed", where, error });
  }

  #endRest(): void {
    this.#resting = false;
    for (const subchannel of this.#subchannels.values()) subchannel.wake();
  }
}
