import type { Address } from "../address.ts";
import { failAll, queueAll } from "../balancing/unreachable.ts";
import type { ConnectivityState } from "../connectivity-state.ts";
import { type Failure, factOf } from "../errors.ts";
import type { Events } from "../events.ts";
import { http2ErrorCode } from "../http2/error-codes.ts";
import type { Resolver } from "../resolver/resolver.ts";
import { inBackground } from "../runtime/background.ts";
import type { GoawayNotice, LiveConnection, SuspectReason } from "../subchannel/live-connection.ts";
import { Subchannel } from "../subchannel/subchannel.ts";
import type {
  OwnedSubchannel,
  RetireReason,
  SubchannelOptions,
  SubchannelOwner,
} from "../subchannel/subchannel-owner.ts";
import type { PendingDial, TargetHistory } from "../target.ts";
import type { PendingCall, PickOutcome } from "./call-queue.ts";
import { Dispatcher } from "./dispatcher.ts";
import { Drain } from "./drain.ts";
import { Hints } from "./hints.ts";
import { PolicyRunner, type PolicyRunnerOptions, type PolicyWatcher } from "./policy-runner.ts";
import { Resolution, type ResolutionListener } from "./resolution.ts";
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
export class Pool implements SubchannelOwner, ResolutionListener, PolicyWatcher {
  pingSlowdowns = 0;
  resting = false;
  readonly #subchannelOptions: SubchannelOptions;
  readonly #events: Events;
  readonly #history: TargetHistory;
  readonly #subchannels = new Map<string, Subchannel>();
  readonly #dispatcher: Dispatcher;
  readonly #drain: Drain;
  readonly #hints: Hints;
  readonly #resolution: Resolution;
  readonly #rotation: Rotation;
  readonly #policy: PolicyRunner;
  readonly #changeListeners = new Set<() => void>();
  #newestFailure: Failure | undefined;

  constructor(options: PoolOptions) {
    const { target, resolver, runtime, events, subchannel, rotationIntervalMs } = options;
    this.#subchannelOptions = subchannel;
    this.#events = events;
    this.#history = options.history;
    this.#dispatcher = new Dispatcher(options.maxQueuedCalls, events);
    this.#drain = new Drain(options.drainTimeoutMs, runtime.clock, events);
    this.#hints = new Hints(target, resolver, events);
    this.#resolution = new Resolution(target, resolver, runtime, events, this);
    this.#rotation = new Rotation(rotationIntervalMs, runtime, () => this.refresh(), {
      [Symbol.iterator]: () => this.#subchannels.values(),
    });
    this.#policy = new PolicyRunner(options, this.#dispatcher, this);
  }

  /** Begins to resolve and connect, if that has not begun, and ends a rest: a call comes, or an attempt of one. */
  wake(): void {
    if (!this.#resolution.started) inBackground(() => this.#start());
    else if (this.resting) inBackground(() => this.#endRest());
  }

  /** Finds a backend now, or puts the call in the queue: then it is told later. */
  dispatch(call: PendingCall): PickOutcome {
    this.wake();
    return this.#dispatcher.dispatch(call);
  }

  /** The call no longer waits. */
  unqueue(call: PendingCall): void {
    this.#dispatcher.unqueue(call);
  }

  /** True once somebody wanted a backend. */
  get started(): boolean {
    return this.#resolution.started;
  }

  /** Asks the resolver to look again: a hint that it limits itself. */
  refresh(): void {
    inBackground(() => this.#resolution.refresh());
  }

  get readyCount(): number {
    let count = 0;
    for (const { state } of this.#subchannels.values()) if (state === "ready") count++;
    return count;
  }

  /**
   * True when a call that failed on these connections, on the last of them just now, has another to go to: one that is
   * ready, or one that is being made or will be at once, because nothing is known against its backend.
   */
  hasConnectionBeyond(failed: readonly LiveConnection[]): boolean {
    for (const { live, hasRoom, state, lastFailure } of this.#subchannels.values()) {
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

  get subchannels(): Iterable<Subchannel> {
    return this.#subchannels.values();
  }

  get draining(): Iterable<{ readonly address: string; readonly openCalls: number }> {
    return this.#drain;
  }

  /** Why no backend is ready, as far as it is known: the newest failure of those that still count. */
  get lastFailure(): Failure | undefined {
    let failure: Failure | undefined;
    for (const { lastFailure } of this.#subchannels.values()) {
      if (lastFailure === undefined) continue;
      if (lastFailure === this.#newestFailure) return lastFailure;
      failure ??= lastFailure;
    }
    return failure ?? this.#resolution.failure;
  }

  /** The dial that has been under way for longest. */
  get eldestDial(): PendingDial | undefined {
    for (const dial of this.#history.dials) return dial;
    return undefined;
  }

  /** Calls `listener` after each change of a backend's state, until the returned function is called. */
  onChange(listener: () => void): () => void {
    this.#changeListeners.add(listener);
    return () => this.#changeListeners.delete(listener);
  }

  /** Ends everything. Open calls on connections fail with `failure`; calls back when all sockets are closed. */
  close(failure: Failure, closed: () => void): void {
    this.#rotation.stop();
    this.#resolution.close();
    this.#policy.close();
    for (const subchannel of this.#subchannels.values()) subchannel.shutdown("closing");
    this.#subchannels.clear();
    this.#drain.closeAll(failure);
    this.#drain.whenEmpty(closed);
  }

  /** Keeps what stayed, adds what is new, drains what left. Pickers skip what has left until they are replaced. */
  resolved(list: ReadonlyMap<string, Address>): void {
    this.#hints.resolved(list.size);
    // Until now calls failed for want of a list.
    if (this.#subchannels.size === 0) this.#dispatcher.use(queueAll);
    const removed: Subchannel[] = [];
    for (const [key, subchannel] of this.#subchannels) if (!list.has(key)) removed.push(subchannel);
    const added: string[] = [];
    for (const [key, address] of list) {
      if (this.#subchannels.has(key)) continue;
      this.#subchannels.set(key, new Subchannel(address, this.#subchannelOptions, this));
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
    this.#policy.scheduleUpdate();
  }

  resolveFailed(failure: Failure): void {
    if (this.#subchannels.size > 0) return;
    this.#dispatcher.use(failAll(failure));
    this.#dispatcher.serveAll();
  }

  subchannelChanged(subchannel: OwnedSubchannel, from: ConnectivityState, failure: Failure | undefined): void {
    const { state, key } = subchannel;
    if (this.#events.active) {
      const error = failure === undefined ? undefined : factOf(failure);
      this.#events.publish({ type: "subchannel-state", address: key, from, to: state, error });
    }
    // A loss or a failed dial is the first sign that the list is out of date.
    if (failure !== undefined || (from === "ready" && state !== "shutdown")) this.refresh();
    if (failure !== undefined) this.#newestFailure = failure;
    if (state === "ready") this.#history.everConnected = true;
    if (subchannel.live !== undefined) this.#rotation.watchAge(subchannel.live);
    this.#policy.scheduleUpdate();
  }

  subchannelCapacity(): void {
    this.#dispatcher.serveNext(() => this.#hasRoom());
  }

  subchannelSuspect(subchannel: OwnedSubchannel, reason: SuspectReason): void {
    if (this.#events.active) this.#events.publish({ type: "subchannel-suspect", address: subchannel.key, reason });
  }

  subchannelResting(): void {
    this.resting = true;
  }

  connectionRetired(subchannel: OwnedSubchannel, live: LiveConnection, reason: RetireReason): void {
    this.#drain.add(subchannel.key, live, reason);
  }

  goawayReceived(subchannel: OwnedSubchannel, { code, debug }: GoawayNotice): void {
    if (this.#events.active) this.#events.publish({ type: "goaway", address: subchannel.key, http2Code: code, debug });
    if (code !== http2ErrorCode.enhanceYourCalm || !debug.includes("too_many_pings")) return;
    // gRFC A8. The server speaks for all of its kind: the whole pool slows down, and stays slow.
    this.pingSlowdowns++;
    for (const one of this.#subchannels.values()) one.slowDownPings();
  }

  beforeUpdate(backends: readonly Subchannel[]): void {
    if (!this.#history.everConnected) this.#hints.unreachable(backends);
  }

  afterUpdate(): void {
    for (const listener of this.#changeListeners) listener();
  }

  #hasRoom(): boolean {
    for (const { hasRoom } of this.#subchannels.values()) if (hasRoom) return true;
    return false;
  }

  #start(): void {
    this.#resolution.start();
    this.#rotation.start();
  }

  /** What was known before the rest is old news: calls wait for what the new dials bring. */
  #endRest(): void {
    this.resting = false;
    for (const subchannel of this.#subchannels.values()) subchannel.wake();
    if (this.readyCount === 0) this.#dispatcher.use(queueAll);
    this.#policy.scheduleUpdate();
  }
}
