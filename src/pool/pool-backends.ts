import type { AvailabilitySettings } from "../availability/availability-options.ts";
import { Protection } from "../availability/protection.ts";
import type { ReadyBackends } from "../availability/ready-backends.ts";
import type { ConnectivityState } from "../base/connectivity-state.ts";
import { type Failure, factOf } from "../base/errors.ts";
import type { TargetHistory } from "../endpoint/target.ts";
import type { Events } from "../observe/events.ts";
import type { ResolverObserver } from "../observe/resolver-observer.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { emptyTally } from "../subchannel/backend-record.ts";
import type { CallConnection } from "../subchannel/call-connection.ts";
import { connectionBeats } from "../subchannel/connection-beats.ts";
import type { PinnedCalls } from "../subchannel/pinned-calls.ts";
import { Subchannel } from "../subchannel/subchannel.ts";
import type { PoolConditions, SubchannelContext } from "../subchannel/subchannel-context.ts";
import type { SubchannelListener } from "../subchannel/subchannel-listener.ts";
import { Drain, type DrainingConnection } from "./drain.ts";
import type { EndpointList } from "./endpoint-list.ts";
import { Members } from "./members.ts";
import { Rotation } from "./rotation.ts";
import { type Moves, Turnover } from "./turnover.ts";

/** What the backends of a pool are made with. */
export interface PoolBackendsOptions {
  readonly subchannel: SubchannelContext;
  readonly history: TargetHistory;
  readonly runtime: Runtime;
  readonly events: Events;
  readonly resolverObserver: ResolverObserver;
  readonly drainTimeoutMs: number;
  readonly availability: AvailabilitySettings;
  readonly pinnedCalls: PinnedCalls;
}

/** Told of the backends: the pool. */
export interface PoolBackendsListener {
  /** One came, left or changed in what policies see. `atOnce`: calls may wait for what that brings. */
  onChanged(subchannel: Subchannel, atOnce: boolean): void;
  /** The list has another order, or other members. */
  onListChanged(): void;
  /** One more call may go to it: `wasFull`, none could until now. */
  onCapacity(subchannel: Subchannel, wasFull: boolean): void;
  /** The last one has left, and none is named. */
  onEmptied(): void;
  /** A first sign that the list is out of date: a loss, a dial or a renewal that failed. */
  onOutOfDate(): void;
}

/**
 * The backends of one target: a subchannel for each endpoint that is named, and what follows from what they tell:
 * connections that leave drain, those that grow old are replaced, and those that do not answer are suspected.
 */
export class PoolBackends implements Iterable<Subchannel> {
  /** Which of them calls may go to. */
  readonly protection: Protection;
  readonly conditions: PoolConditions;
  /** How many are connected. */
  readyCount = 0;
  readonly #history: TargetHistory;
  readonly #events: Events;
  readonly #listener: PoolBackendsListener;
  readonly #members: Members;
  readonly #turnover: Turnover;
  readonly #drain: Drain;
  readonly #rotation: Rotation;
  #newestFailure: Failure | undefined;

  constructor(options: PoolBackendsOptions, listener: PoolBackendsListener) {
    const { subchannel, history, runtime, events, drainTimeoutMs, availability: settings, pinnedCalls } = options;
    const { clock } = runtime;
    this.#history = history;
    this.#events = events;
    this.#listener = listener;
    const beats = connectionBeats(subchannel.live, clock);
    this.conditions = { minPingPaceMs: 0, resting: false, tally: emptyTally(), beats };
    this.#members = new Members(
      (endpoint) => new Subchannel(endpoint, subchannel, this.conditions, this.#subchannelListener),
      (one) => this.protection.serves(one),
    );
    this.#turnover = new Turnover(this.#members, options.resolverObserver.counters, clock, {
      onMoves: (moves) => this.#moves(moves),
      onListChanged: () => listener.onListChanged(),
      onNamed: (one) => listener.onChanged(one, this.ready.list.length === 0),
      onDeparts: (one) => one.shutdown("removed"),
      onEmptied: () => listener.onEmptied(),
    });
    this.protection = new Protection(
      { settings, runtime, events, tally: this.conditions.tally, pinnedCalls, backends: () => this.list },
      {
        onChanged: (one, atOnce) => {
          this.#releaseFor(one);
          listener.onChanged(one, atOnce);
        },
        onRoom: (one) => listener.onCapacity(one, true),
      },
    );
    this.#drain = new Drain(drainTimeoutMs, clock, events, subchannel.observer);
    this.#rotation = new Rotation({ clock, events, maxAgeMs: subchannel.maxConnectionAgeMs }, this.#members, {
      onNotReplaced: () => listener.onOutOfDate(),
    });
  }

  get size(): number {
    return this.#members.size;
  }

  /** Those that calls may go to. */
  get ready(): ReadyBackends {
    return this.protection.ready;
  }

  /** In the resolver's newest order, and those that leave after the others. The same array until it changes. */
  get list(): readonly Subchannel[] {
    return this.#members.list;
  }

  [Symbol.iterator](): Iterator<Subchannel> {
    return this.#members[Symbol.iterator]();
  }

  get(id: string): Subchannel | undefined {
    return this.#members.get(id);
  }

  /** No longer named, by an answer that is doubted. */
  isStale(subchannel: Subchannel): boolean {
    return this.#members.isStale(subchannel);
  }

  /** Retired connections that wait for their last call. */
  get draining(): Iterable<DrainingConnection> {
    return this.#drain;
  }

  /** Why none is ready, as far as they know: the newest failure of those that still count. */
  get lastFailure(): Failure | undefined {
    let failure: Failure | undefined;
    for (const { lastFailure } of this.#members) {
      if (lastFailure === undefined) continue;
      if (lastFailure === this.#newestFailure) return lastFailure;
      failure ??= lastFailure;
    }
    return failure;
  }

  hasConnectionBeyond(failed: readonly CallConnection[]): boolean {
    for (const subchannel of this.#members) if (subchannel.hasConnectionBeyond(failed)) return true;
    return false;
  }

  /**
   * Keeps what stayed, adds what is new, drains what left: at once while one of the list serves or the list is empty,
   * else once one does; those in `held` once they no longer work. Pickers skip what has left until they are replaced. As
   * {@link Turnover.take}.
   */
  use(list: EndpointList, held: ReadonlySet<string>, inUse: () => void): void {
    this.#turnover.take(list, held, inUse);
  }

  /** A call came after a rest: whoever rests may be dialled again. */
  wake(): void {
    this.conditions.resting = false;
    const atOnce = this.ready.list.length === 0;
    for (const subchannel of this.#members) if (subchannel.wake()) this.#listener.onChanged(subchannel, atOnce);
  }

  /** Ends everything. Open calls fail with `failure`; calls back when all sockets are closed. */
  close(failure: Failure, closed: () => void): void {
    this.#rotation.stop();
    this.#turnover.close(
      (subchannel) => subchannel.shutdown("closing"),
      () => {
        this.protection.close();
        this.#drain.closeAll(failure);
        this.#drain.whenEmpty(closed);
      },
    );
  }

  readonly #subchannelListener: SubchannelListener<Subchannel> = {
    onStateChanged: (subchannel, from, failure) => this.#stateChanged(subchannel, from, failure),
    onCapacity: (subchannel, wasFull) => this.#listener.onCapacity(subchannel, wasFull),
    onFull: (subchannel) => this.ready.roomChanged(subchannel),
    onSuspected: (subchannel, live, reason) => this.protection.suspected(subchannel, live, reason),
    onUnanswered: (subchannel, live) => this.protection.unanswered(subchannel, live),
    onCleared: (_, live) => this.protection.cleared(live),
    onCallFailed: (call) => this.protection.callFailed(call),
    onGoaway: ({ id }, { code, debug }) => {
      if (this.#events.active) this.#events.publish({ type: "goaway", address: id, http2Code: code, debug });
    },
    onTooManyPings: (minPaceMs) => {
      this.conditions.minPingPaceMs = Math.max(this.conditions.minPingPaceMs, minPaceMs);
      for (const subchannel of this.#members) subchannel.slowDownPingsTo(this.conditions.minPingPaceMs);
    },
    onRenewalFailed: (subchannel, live, failure) => this.#rotation.failed(subchannel, live, failure),
    onEntered: (subchannel, live, elder) => {
      this.protection.entered(subchannel, live, elder);
      this.#rotation.entered(live);
    },
    onLeft: (subchannel, live, failure) => {
      this.protection.left(subchannel, live);
      this.#rotation.left(live);
      // Of the last one the change of the state tells.
      if (failure !== undefined && subchannel.connections.length > 0) this.#listener.onOutOfDate();
    },
    onRetired: ({ id }, live, reason) => this.#drain.add(id, live, reason),
    onResting: () => {
      this.conditions.resting = true;
    },
  };

  #stateChanged(subchannel: Subchannel, from: ConnectivityState, failure: Failure | undefined): void {
    const { state, id } = subchannel;
    if (this.#events.active) {
      const error = failure === undefined ? undefined : factOf(failure);
      const ready = this.readyCount + Number(state === "ready") - Number(from === "ready");
      const backends = this.#members.size;
      this.#events.publish({ type: "subchannel-state", address: id, from, to: state, error, ready, backends });
    }
    if (failure !== undefined || (from === "ready" && state !== "shutdown")) this.#listener.onOutOfDate();
    if (failure !== undefined) this.#newestFailure = failure;
    this.protection.review(subchannel);
    if (state === "shutdown") this.protection.removed(subchannel);
    if (state === "ready") {
      this.readyCount++;
      this.#history.everConnected = true;
      this.#releaseFor(subchannel);
    } else if (from === "ready") {
      this.readyCount--;
      this.#turnover.lost(subchannel);
    }
    this.#listener.onChanged(subchannel, state === "ready" && this.ready.list.length === 0);
  }

  /** If it is named and serves, those that were in service in place of it and its like leave. */
  #releaseFor(subchannel: Subchannel): void {
    if (!this.#members.isUnnamed(subchannel) && this.protection.serves(subchannel)) this.#turnover.releaseLeaving();
  }

  #moves({ added, removed, leaving }: Moves): void {
    if (!this.#events.active) return;
    this.#events.publish({
      type: "pool-updated",
      added: added.map(({ id }) => id),
      removed: removed.map(({ id }) => id),
      leaving: leaving.map(({ id }) => id),
      kept: this.#members.size - this.#members.departingCount - added.length - leaving.length,
    });
  }
}
