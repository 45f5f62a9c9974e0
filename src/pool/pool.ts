import type { LeftOutFacts } from "../availability/left-out.ts";
import type { PolicyFacts } from "../balancing/policy.ts";
import { failAll, queueAll } from "../balancing/unreachable.ts";
import { type Failure, noEndpointsFailure } from "../base/errors.ts";
import { methodName } from "../base/method-spec.ts";
import type { PendingDial, TargetHistory } from "../endpoint/target.ts";
import type { Connector } from "../http2/connection.ts";
import type { Events, GlinkFact } from "../observe/events.ts";
import type { WaitReason } from "../observe/wait-reason.ts";
import type { Resolver } from "../resolver/resolver.ts";
import { inBackground } from "../runtime/background.ts";
import type { Late } from "../runtime/late.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { CallConnection } from "../subchannel/call-connection.ts";
import type { Subchannel } from "../subchannel/subchannel.ts";
import type { CallSource, PendingCall } from "./call-source.ts";
import { Discovery, type ResolutionFacts } from "./discovery.ts";
import { Dispatcher, type QueueLimits } from "./dispatcher.ts";
import type { DrainingConnection } from "./drain.ts";
import type { EndpointList } from "./endpoint-list.ts";
import { Hints } from "./hints.ts";
import { HolderWatch } from "./holder-watch.ts";
import { type AvailabilityFacts, type BackendsModule, LateBackends } from "./late-backends.ts";
import { PolicyRunner, type PolicyRunnerOptions } from "./policy-runner.ts";
import type { PoolBackendsOptions } from "./pool-backends.ts";
import type { SubsetSize } from "./subset-options.ts";

/** What a pool is made of. */
export interface PoolOptions extends PolicyRunnerOptions, PoolBackendsOptions, QueueLimits {
  readonly resolver: Resolver;
  readonly rotationIntervalMs: number;
  readonly subsetSize: SubsetSize;
  /** Loaded as the pool wakes. */
  readonly backendsModule: Late<BackendsModule>;
}

/**
 * Where the calls to one target find their connections: puts together where endpoints come from, the backends that these
 * are, the policy that chooses among them and the calls that wait.
 */
export class Pool implements CallSource {
  /** Of whoever may make calls through this pool. */
  readonly holderWatch: HolderWatch = new HolderWatch();
  readonly #events: Events;
  readonly #runtime: Runtime;
  readonly #history: TargetHistory;
  readonly #backends: LateBackends;
  readonly #dispatcher: Dispatcher;
  readonly #hints: Hints;
  readonly #discovery: Discovery;
  readonly #policy: PolicyRunner;
  #useServiceConfig: (config: object | string | undefined) => void = () => undefined;
  readonly #changeListeners = new Set<() => void>();
  readonly #connector: Connector;

  constructor(options: PoolOptions) {
    const { target, history, resolver, events, subchannel } = options;
    this.#events = events;
    this.#runtime = options.runtime;
    this.#history = history;
    this.#connector = subchannel.connector;
    this.#hints = new Hints(target, resolver, events);
    this.#backends = new LateBackends(options, options.backendsModule, {
      onChanged: (changed, atOnce) => {
        this.#discovery.backendChanged(changed);
        this.#policy.changed(changed, atOnce);
      },
      onListChanged: () => this.#policy.updateSoon(false),
      onCapacity: (backend, wasFull) => this.#dispatcher.roomAt(backend, wasFull),
      onEmptied: () => this.#failCalls(noEndpointsFailure(target.host)),
      onOutOfDate: () => this.refresh(),
      onLoadFailed: (failure) => this.#failCalls(failure),
    });
    this.#dispatcher = new Dispatcher(options, this.#backends, events, {
      onQueueing: (method) => {
        if (events.active)
          this.#publish({ type: "call-queued", method: methodName(method), waitsFor: this.waitReason });
      },
      onQueueEmptied: (calls) => this.#publish({ type: "queue-drained", calls }),
    });
    const { idleConnectionTimeoutMs: idleTimeoutMs } = subchannel.live;
    this.#discovery = new Discovery({ ...options, idleTimeoutMs }, this.#backends, this.#hints, {
      onEndpoints: (list, inUse) => this.#useEndpoints(list, inUse),
      onServiceConfig: (config) => this.#useServiceConfig(config),
      onFallbackServes: () => this.#hints.fallbackServes(),
      onResolveFailed: (failure) => {
        if (this.#backends.size === 0) this.#failCalls(failure);
      },
      onListCurrent: () => {
        if (this.#backends.resting) this.#endRest();
      },
      onRest: () => this.#backends.rest(),
    });
    this.#policy = new PolicyRunner(options, this.#backends, this.#dispatcher, {
      onBeforeUpdate: () => {
        if (!history.everConnected) this.#hints.unreachable(this.subchannels);
      },
      onAfterUpdate: () => {
        for (const listener of this.#changeListeners) listener();
      },
    });
  }

  /** Begins to resolve and connect, if that has not begun, and ends a rest: a call comes, or an attempt of one. */
  wake(): void {
    this.#discovery.used();
    if (this.#discovery.resting) inBackground(() => this.#start(), this.#runtime);
    else if (this.#backends.resting && !this.#discovery.listIsOld) inBackground(() => this.#endRest(), this.#runtime);
  }

  dispatch(call: PendingCall): void {
    this.wake();
    this.#dispatcher.dispatch(call);
  }

  /** The call no longer waits. */
  withdraw(call: PendingCall): void {
    this.#dispatcher.withdraw(call);
  }

  /** True once somebody wanted a backend, until nobody has for long. */
  get started(): boolean {
    return !this.#discovery.resting;
  }

  /** Asks the resolver to look again: a hint that it limits itself. */
  refresh(): void {
    inBackground(() => this.#discovery.refresh(), this.#runtime);
  }

  hasConnectionBeyond(failed: readonly CallConnection[]): boolean {
    return this.#backends.hasConnectionBeyond(failed);
  }

  get queuedCalls(): number {
    return this.#dispatcher.queuedCalls;
  }

  /** In the resolver's newest order. */
  get subchannels(): readonly Subchannel[] {
    return this.#backends.list;
  }

  /** No longer named, by an answer that a second one has yet to confirm. */
  isStale(subchannel: Subchannel): boolean {
    return this.#backends.isStale(subchannel);
  }

  /** How fresh the list of backends is. */
  get resolution(): ResolutionFacts {
    return this.#discovery.resolution;
  }

  /** What the policy says of a backend. */
  policyFactsOf(subchannel: Subchannel): PolicyFacts | undefined {
    return this.#policy.factsOf(subchannel);
  }

  /** How many backends are connected. */
  get readyCount(): number {
    return this.#backends.readyCount;
  }

  /** Why a backend is not used like any other. */
  leftOut(subchannel: Subchannel): LeftOutFacts | undefined {
    return this.#backends.factsOf(subchannel);
  }

  /** Whether calls go to all backends, because too few are usable; and the ejections so far, by their reasons. */
  get availability(): AvailabilityFacts {
    return this.#backends.availability;
  }

  /** Whether there is a backend that calls may go to. */
  get canServe(): boolean {
    return this.#backends.ready.list.length > 0;
  }

  get draining(): Iterable<DrainingConnection> {
    return this.#backends.draining;
  }

  /** Why no backend is ready, as far as it is known. */
  get lastFailure(): Failure | undefined {
    return this.#backends.lastFailure ?? this.#discovery.failure;
  }

  /** The dial that has been under way for longest. */
  get eldestDial(): PendingDial | undefined {
    for (const dial of this.#history.dials) return dial;
    return undefined;
  }

  get waitReason(): WaitReason {
    if (this.#backends.size === 0 || this.#discovery.listIsOld) return "resolve";
    return this.canServe ? "streams" : "connect";
  }

  /** Calls `listener` after each change of a backend's state, until the returned function is called. */
  onChange(listener: () => void): () => void {
    this.#changeListeners.add(listener);
    return () => this.#changeListeners.delete(listener);
  }

  /** From now on `use` is told of the service config that the resolver brings with its lists; of none, if it has none. */
  onServiceConfig(use: (config: object | string | undefined) => void): void {
    this.#useServiceConfig = use;
  }

  /** Ends everything. Open calls on connections fail with `failure`; calls back when all sockets are closed. */
  close(failure: Failure, closed: () => void): void {
    this.holderWatch.stop();
    this.#discovery.close();
    this.#policy.close();
    this.#backends.close(failure, closed);
  }

  /** In no call's async context. */
  #publish(fact: GlinkFact): void {
    inBackground(() => this.#events.publish(fact), this.#runtime);
  }

  #useEndpoints(list: EndpointList, inUse: () => void): void {
    // Until now calls failed for want of a list.
    if (this.#backends.size === 0) this.#dispatcher.use(queueAll);
    this.#backends.use(list, this.#discovery.held, inUse);
  }

  /** There is no backend, and this is why: calls that do not wait for ready fail. */
  #failCalls(failure: Failure): void {
    this.#dispatcher.use(failAll(failure));
    this.#dispatcher.serve();
  }

  #start(): void {
    // What was known before is old news: calls wait for the list.
    this.#dispatcher.use(queueAll);
    this.#discovery.start();
    // After the lookup has left: code is compiled while the answer is on its way.
    this.#backends.prepare();
    this.#connector.prepare?.();
  }

  /** What was known before the rest is old news: calls wait for what the new dials bring. */
  #endRest(): void {
    this.#backends.wake();
    if (this.#backends.size > 0 && this.#backends.readyCount === 0) this.#dispatcher.use(queueAll);
  }
}
