import { ReadyBackends } from "../availability/ready-backends.ts";
import { Suspects } from "../availability/suspects.ts";
import { failAll, queueAll } from "../balancing/unreachable.ts";
import type { ConnectivityState } from "../base/connectivity-state.ts";
import { type Failure, factOf } from "../base/errors.ts";
import type { PendingDial, TargetHistory } from "../endpoint/target.ts";
import type { Events } from "../observe/events.ts";
import type { WaitReason } from "../observe/wait-reason.ts";
import type { Resolver } from "../resolver/resolver.ts";
import { inBackground } from "../runtime/background.ts";
import type { CallConnection } from "../subchannel/call-connection.ts";
import type { GoawayNotice, LiveConnection, SuspectReason } from "../subchannel/live-connection.ts";
import { Subchannel } from "../subchannel/subchannel.ts";
import type {
  OwnedSubchannel,
  RetireReason,
  SubchannelOptions,
  SubchannelOwner,
} from "../subchannel/subchannel-owner.ts";
import type { CallSource, PendingCall } from "./call-source.ts";
import { Discovery, type DiscoveryOwner } from "./discovery.ts";
import { Dispatcher } from "./dispatcher.ts";
import { Drain } from "./drain.ts";
import type { AddressList } from "./failover.ts";
import { Hints } from "./hints.ts";
import { HolderWatch } from "./holder-watch.ts";
import { Members } from "./members.ts";
import { PolicyRunner, type PolicyRunnerOptions, type PolicyWatcher } from "./policy-runner.ts";
import { Rotation } from "./rotation.ts";

/** What a pool is made of. */
export interface PoolOptions extends PolicyRunnerOptions {
  readonly resolver: Resolver;
  readonly subchannel: SubchannelOptions;
  readonly rotationIntervalMs: number;
  readonly drainTimeoutMs: number;
  readonly maxQueuedCalls: number;
}

/**
 * The backends of one target: keeps one subchannel per address the resolver names, tells the policy of every change,
 * and finds a backend for each attempt.
 */
export class Pool implements CallSource, SubchannelOwner, DiscoveryOwner, PolicyWatcher {
  minPingPaceMs = 0;
  resting = false;
  readyCount = 0;
  /** Of whoever may make calls through this pool. */
  readonly holderWatch: HolderWatch = new HolderWatch();
  readonly #events: Events;
  readonly #history: TargetHistory;
  readonly #members: Members;
  readonly #ready = new ReadyBackends();
  readonly #suspects: Suspects;
  readonly #dispatcher: Dispatcher;
  readonly #drain: Drain;
  readonly #hints: Hints;
  readonly #discovery: Discovery;
  readonly #rotation: Rotation;
  readonly #policy: PolicyRunner;
  readonly #changeListeners = new Set<() => void>();
  #newestFailure: Failure | undefined;

  constructor(options: PoolOptions) {
    const { target, resolver, runtime, events, subchannel } = options;
    this.#events = events;
    this.#history = options.history;
    this.#members = new Members((address) => new Subchannel(address, subchannel, this));
    this.#suspects = new Suspects(runtime.clock, events, (subchannel) => this.#policy.changed(subchannel, false));
    this.#dispatcher = new Dispatcher(options.maxQueuedCalls, this.#members, this.#ready, events);
    this.#drain = new Drain(options.drainTimeoutMs, runtime.clock, events);
    this.#hints = new Hints(target, resolver, events);
    const { idleConnectionTimeoutMs: idleTimeoutMs } = subchannel.live;
    this.#discovery = new Discovery({ ...options, idleTimeoutMs }, this.#hints, this);
    this.#rotation = new Rotation(runtime.clock, events, {
      backends: () => this.#members.list,
      refresh: () => this.refresh(),
    });
    this.#policy = new PolicyRunner(options, this.#dispatcher, this.#ready, this);
  }

  /** Begins to resolve and connect, if that has not begun, and ends a rest: a call comes, or an attempt of one. */
  wake(): void {
    this.#discovery.used();
    if (this.#discovery.resting) inBackground(() => this.#start());
    else if (this.resting && !this.#discovery.listIsOld) inBackground(() => this.#endRest());
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
    inBackground(() => this.#discovery.refresh());
  }

  hasConnectionBeyond(failed: readonly CallConnection[]): boolean {
    for (const { live, hasRoom, state, lastFailure } of this.#members) {
      if (live === undefined) {
        if ((state === "idle" || state === "connecting") && lastFailure === undefined) return true;
      } else if (live === failed.at(-1)) {
        // Lost, though its subchannel is yet to be told.
        if (live.answered) return true;
      } else if (hasRoom && !failed.includes(live)) {
        return true;
      }
    }
    return false;
  }

  get queuedCalls(): number {
    return this.#dispatcher.queuedCalls;
  }

  backend(id: string): Subchannel | undefined {
    return this.#members.get(id);
  }

  /** All of them, in a stable order. */
  get subchannels(): readonly Subchannel[] {
    return this.#members.list;
  }

  get draining(): Iterable<{ readonly address: string; readonly openCalls: number }> {
    return this.#drain;
  }

  /** Why no backend is ready, as far as it is known: the newest failure of those that still count. */
  get lastFailure(): Failure | undefined {
    let failure: Failure | undefined;
    for (const { lastFailure } of this.#members) {
      if (lastFailure === undefined) continue;
      if (lastFailure === this.#newestFailure) return lastFailure;
      failure ??= lastFailure;
    }
    return failure ?? this.#discovery.failure;
  }

  /** The dial that has been under way for longest. */
  get eldestDial(): PendingDial | undefined {
    for (const dial of this.#history.dials) return dial;
    return undefined;
  }

  get waitReason(): WaitReason {
    if (this.#members.size === 0 || this.#discovery.listIsOld) return "resolve";
    return this.readyCount === 0 ? "connect" : "streams";
  }

  /** Calls `listener` after each change of a backend's state, until the returned function is called. */
  onChange(listener: () => void): () => void {
    this.#changeListeners.add(listener);
    return () => this.#changeListeners.delete(listener);
  }

  /** Ends everything. Open calls on connections fail with `failure`; calls back when all sockets are closed. */
  close(failure: Failure, closed: () => void): void {
    this.holderWatch.stop();
    this.#rotation.stop();
    this.#discovery.close();
    this.#policy.close();
    for (const subchannel of this.#members.clear()) subchannel.shutdown("closing");
    this.#suspects.close();
    this.#drain.closeAll(failure);
    this.#drain.whenEmpty(closed);
  }

  fallbackServes(): void {
    this.#hints.fallbackServes();
  }

  /**
   * Keeps what stayed, adds what is new, drains what left: at once while one of the list is ready, else once one is.
   * Pickers skip what has left until they are replaced.
   */
  useAddresses(list: AddressList): void {
    // Until now calls failed for want of a list.
    if (this.#members.size === 0) this.#dispatcher.use(queueAll);
    const { added, removed, leaving } = this.#members.reconcile(list);
    if (added.length + removed.length + leaving.length === 0) return;
    this.#publishChange(added, removed, leaving);
    for (const subchannel of removed) subchannel.shutdown("removed");
    const atOnce = this.#ready.list.length === 0;
    for (const subchannel of added) this.#policy.changed(subchannel, atOnce);
  }

  resolveFailed(failure: Failure): void {
    if (this.#members.size > 0) return;
    this.#dispatcher.use(failAll(failure));
    this.#dispatcher.serve();
  }

  listIsCurrent(): void {
    if (this.resting) this.#endRest();
  }

  discoveryRests(): void {
    this.resting = true;
  }

  subchannelChanged(subchannel: Subchannel, from: ConnectivityState, failure: Failure | undefined): void {
    const { state, id } = subchannel;
    if (this.#events.active) {
      const error = failure === undefined ? undefined : factOf(failure);
      this.#events.publish({ type: "subchannel-state", address: id, from, to: state, error });
    }
    // A loss or a failed dial is the first sign that the list is out of date.
    if (failure !== undefined || (from === "ready" && state !== "shutdown")) this.refresh();
    if (failure !== undefined) this.#newestFailure = failure;
    if (state === "ready") this.#becameReady(subchannel);
    else if (from === "ready") this.#lost(subchannel);
    this.#discovery.backendChanged();
    this.#policy.changed(subchannel, state === "ready" && this.#ready.list.length === 0);
  }

  subchannelCapacity(subchannel: Subchannel, wasFull: boolean): void {
    this.#dispatcher.roomAt(subchannel, wasFull);
  }

  subchannelFull(subchannel: Subchannel): void {
    this.#ready.roomChanged(subchannel);
  }

  subchannelSuspect(subchannel: Subchannel, reason: SuspectReason): void {
    if (subchannel.live !== undefined) this.#suspects.asked(subchannel, subchannel.live, reason);
  }

  subchannelUnanswered(subchannel: Subchannel): void {
    if (subchannel.live !== undefined) this.#suspects.unanswered(subchannel, subchannel.live);
  }

  subchannelCleared(subchannel: Subchannel): void {
    this.#suspects.cleared(subchannel);
  }

  renewalFailed(subchannel: Subchannel, failure: Failure): void {
    this.#rotation.failed(subchannel, failure);
  }

  subchannelResting(): void {
    this.resting = true;
  }

  connectionRetired(subchannel: Subchannel, live: LiveConnection, reason: RetireReason): void {
    // With a state that is still ready: its successor is in service.
    if (reason === "max-age") {
      this.#suspects.replaced(subchannel, live);
      this.#rotation.left(subchannel);
    }
    this.#drain.add(subchannel.id, live, reason);
  }

  goawayReceived(subchannel: OwnedSubchannel, { code, debug }: GoawayNotice): void {
    if (this.#events.active) this.#events.publish({ type: "goaway", address: subchannel.id, http2Code: code, debug });
  }

  slowDownPings(minPaceMs: number): void {
    this.minPingPaceMs = Math.max(this.minPingPaceMs, minPaceMs);
    for (const subchannel of this.#members) subchannel.slowDownPingsTo(this.minPingPaceMs);
  }

  beforeUpdate(): void {
    if (!this.#history.everConnected) this.#hints.unreachable(this.#members.list);
  }

  afterUpdate(): void {
    for (const listener of this.#changeListeners) listener();
  }

  #becameReady(subchannel: Subchannel): void {
    this.readyCount++;
    this.#history.everConnected = true;
    if (subchannel.live !== undefined) this.#rotation.watchAge(subchannel.live);
    if (this.#members.isLeaving(subchannel)) return;
    const released = this.#members.releaseLeaving();
    if (released.length === 0) return;
    this.#publishChange([], released, []);
    for (const one of released) one.shutdown("removed");
  }

  #lost(subchannel: Subchannel): void {
    this.readyCount--;
    this.#suspects.forget(subchannel);
    this.#rotation.left(subchannel);
    if (!this.#members.isLeaving(subchannel)) return;
    this.#members.remove(subchannel);
    this.#publishChange([], [subchannel], []);
    subchannel.shutdown("removed");
  }

  #publishChange(added: readonly Subchannel[], removed: readonly Subchannel[], leaving: readonly Subchannel[]): void {
    if (!this.#events.active) return;
    this.#events.publish({
      type: "pool-updated",
      added: added.map(({ id }) => id),
      removed: removed.map(({ id }) => id),
      leaving: leaving.map(({ id }) => id),
      kept: this.#members.size - added.length - leaving.length,
    });
  }

  #start(): void {
    // What was known before is old news: calls wait for the list.
    this.#dispatcher.use(queueAll);
    this.#discovery.start();
  }

  /** What was known before the rest is old news: calls wait for what the new dials bring. */
  #endRest(): void {
    this.resting = false;
    const atOnce = this.#ready.list.length === 0;
    for (const subchannel of this.#members) if (subchannel.wake()) this.#policy.changed(subchannel, atOnce);
    if (this.readyCount === 0) this.#dispatcher.use(queueAll);
  }
}
