import { connectionFailure, type Failure } from "../base/errors.ts";
import { goawayLabel, http2ErrorCode, http2ErrorName, isTooManyPings } from "../http2/error-codes.ts";
import type { RetireReason } from "../observe/retire-reason.ts";
import { jitter } from "../runtime/random.ts";
import { ConnectionSet } from "./connection-set.ts";
import { disconnectErrorOf, ownDisconnect } from "./disconnect-error.ts";
import type { DialedConnection, EndpointDial, EndpointDialListener } from "./endpoint-dial.ts";
import { Growth } from "./growth.ts";
import { LiveConnection } from "./live-connection.ts";
import type { LiveConnectionContext } from "./live-connection-context.ts";
import type { GoawayNotice, LiveConnectionListener } from "./live-connection-listener.ts";
import { ReconnectBackoff } from "./reconnect-backoff.ts";
import { type Renewal, Renewals } from "./renewals.ts";
import type { SubchannelContext } from "./subchannel-context.ts";
import type { SubchannelListener } from "./subchannel-listener.ts";

/** Told of what concerns the state of the backend: its subchannel. */
export interface ServingListener {
  /** A further connection came, by a dial that began then. */
  onEntered(dialStartedMs: number): void;
  /** The last connection is out of service: lost, with a failure, or sent away in good order. */
  onLastLeft(live: LiveConnection, failure: Failure | undefined): void;
  /** The last connection is out of service, because it had no calls. It is still open. */
  onLastIdle(): void;
  /** The server says that it was asked too often whether it lives. */
  onTooManyPings(paceMs: number): void;
}

/** What a subchannel makes its connections with: once, for all of them. */
export interface ServingContext<S> {
  readonly subchannel: S;
  /** For failures: the backend, as its subchannel's id. */
  readonly id: string;
  readonly options: SubchannelContext;
  readonly live: LiveConnectionContext;
  /** The least time between two PINGs on a new connection. */
  readonly minPingPaceMs: () => number;
  readonly newDial: (listener: EndpointDialListener) => EndpointDial;
  readonly listener: ServingListener;
  /** Told of what concerns the pool and not the state. */
  readonly pool: SubchannelListener<S>;
}

/** Connections live this share longer or shorter, so that a fleet started together does not reconnect together. */
const ageJitter = 0.1;

/** The connections of a backend that is ready: what they tell, how they are replaced, and how they leave. */
export class ServingConnections<S> {
  readonly #context: ServingContext<S>;
  readonly #renewals: Renewals;
  #renewalBackoff: ReconnectBackoff | undefined;
  readonly #set: ConnectionSet;
  readonly #growth: Growth | undefined;
  /** Why one could not be replaced when that was last tried; undefined once one was. */
  lastRenewalFailure: Failure | undefined;

  constructor(context: ServingContext<S>, first: DialedConnection) {
    const { options } = context;
    this.#context = context;
    this.#renewals = new Renewals(options.connector, context.newDial, {
      onSuccessor: (dialed, elder) => this.#successorCame(dialed, elder),
      onSuccessorFailed: (failure, dialStartedMs, elder) => this.#successorFailed(failure, dialStartedMs, elder),
    });
    this.#set = new ConnectionSet(options.connections.min);
    this.#growth = options.connections.max === 1 ? undefined : this.#newGrowth();
    this.#enter(first, undefined);
    this.#growth?.review();
  }

  get list(): readonly LiveConnection[] {
    return this.#set.list;
  }

  get hasRoom(): boolean {
    return this.#set.hasRoom;
  }

  get withRoom(): LiveConnection | undefined {
    return this.#set.withRoom;
  }

  isRenewing(live: LiveConnection): boolean {
    return this.#renewals.isRenewing(live);
  }

  /** As the subchannel's. */
  renew(live: LiveConnection, done: (replaced: boolean) => void): void {
    if (this.#set.has(live) && !this.isRenewing(live)) this.#renewals.begin(live, done);
    else done(false);
  }

  /** No connection is left: a dial that was under way becomes the reconnection. */
  handOver(listener: EndpointDialListener): Renewal | undefined {
    return this.#renewals.handOver(listener);
  }

  /** All are out of service by our own will, and returned. Their successors are given up. */
  clear(): readonly LiveConnection[] {
    const all = this.#set.list;
    for (const live of all) this.#takeOut(live, undefined, ownDisconnect);
    return all;
  }

  giveUpRenewals(): void {
    this.#growth?.stop();
    this.#renewals.giveUp();
  }

  readonly #liveListener: LiveConnectionListener<LiveConnection> = {
    onDraining: (live, goaway) => this.#draining(live, goaway),
    onFull: (live) => {
      if (this.#set.has(live)) this.#tellIfFull();
    },
    onCapacity: (live, wasFull) => {
      if (!this.#set.has(live)) return;
      const { pool, subchannel } = this.#context;
      pool.onCapacity(subchannel, wasFull && !this.#set.hasRoomBeside(live));
    },
    onNoStreams: (live) => {
      const message = "the server allows no streams any more (MAX_CONCURRENT_STREAMS is 0)";
      this.#leave(live, this.#failure("no-streams", message), ownDisconnect, "replaced");
    },
    onClosed: (live, failure) => this.#leave(live, failure, disconnectErrorOf(failure)),
    onSuspected: (live, reason) => {
      if (this.#set.has(live)) this.#context.pool.onSuspected(this.#context.subchannel, live, reason);
    },
    onUnanswered: (live) => {
      if (this.#set.has(live)) this.#context.pool.onUnanswered(this.#context.subchannel, live);
    },
    onCleared: (live) => {
      if (this.#set.has(live)) this.#context.pool.onCleared(this.#context.subchannel, live);
    },
    onSilent: (live, waitedMs) => {
      const message = `the connection is dead: a PING got no answer for ${waitedMs} ms`;
      const failure = this.#failure("ping-timeout", message);
      this.#leave(live, failure, disconnectErrorOf(failure));
      live.connection.close(failure);
    },
    onCallFailed: (live, failure, request) => {
      if (this.#set.has(live))
        this.#context.pool.onCallFailed({ subchannel: this.#context.subchannel, live, failure, request });
    },
    onIdle: (live) => this.#idle(live),
  };

  #newGrowth(): Growth {
    const [set, renewals, { connections, runtime }] = [this.#set, this.#renewals, this.#context.options];
    return new Growth(connections, runtime.clock, {
      get count() {
        return set.list.length;
      },
      get joining() {
        return renewals.joining;
      },
      get isFull() {
        return !set.hasRoom;
      },
      dial: () => renewals.begin(undefined, () => undefined),
    });
  }

  #enter(dialed: DialedConnection, elder: LiveConnection | undefined): LiveConnection {
    const { live: liveContext, options, minPingPaceMs } = this.#context;
    const live = new LiveConnection(dialed.connection, dialed.address, liveContext, this.#liveListener);
    live.expiresAtMs = live.readySinceMs + jitter(options.maxConnectionAgeMs, ageJitter, options.runtime.random);
    live.slowDownPingsTo(minPingPaceMs());
    this.#set.add(live);
    this.lastRenewalFailure = undefined;
    this.#renewalBackoff?.forget();
    this.#context.listener.onEntered(dialed.dialStartedMs);
    this.#context.pool.onEntered(this.#context.subchannel, live, elder);
    return live;
  }

  #successorCame(dialed: DialedConnection, elder: LiveConnection | undefined): void {
    const { pool, subchannel } = this.#context;
    const hadRoom = this.#set.hasRoom;
    const live = this.#enter(dialed, elder);
    if (elder !== undefined) {
      live.inheritIdleness(elder);
      this.#takeOut(elder, undefined, ownDisconnect);
      pool.onRetired(subchannel, elder, "max-age");
    }
    // Calls that waited for a stream slot.
    pool.onCapacity(subchannel, !hadRoom);
    this.#growth?.review();
  }

  #successorFailed(failure: Failure, dialStartedMs: number, elder: LiveConnection | undefined): void {
    const { pool, subchannel, options } = this.#context;
    this.#renewalBackoff ??= new ReconnectBackoff(options.reconnectBackoff, options.runtime);
    this.#renewalBackoff.dialStarted(dialStartedMs);
    const waitMs = this.#renewalBackoff.failed();
    this.lastRenewalFailure = failure;
    if (elder === undefined) {
      this.#growth?.failed(waitMs);
      return;
    }
    elder.expiresAtMs = options.runtime.clock.now() + waitMs;
    pool.onRenewalFailed(subchannel, elder, failure);
  }

  #draining(live: LiveConnection, goaway: GoawayNotice | undefined): void {
    const { pool, subchannel, listener } = this.#context;
    if (goaway !== undefined) pool.onGoaway(subchannel, goaway);
    if (goaway !== undefined && isTooManyPings(goaway)) listener.onTooManyPings(live.slowerPingPaceMs);
    const graceful = goaway === undefined || goaway.code === http2ErrorCode.noError;
    const failure = graceful
      ? undefined
      : this.#failure("connection-lost", `the server said GOAWAY ${http2ErrorName(goaway.code)}`);
    this.#leave(live, failure, goaway === undefined ? ownDisconnect : goawayLabel(goaway.code), "goaway");
  }

  #idle(live: LiveConnection): void {
    if (!this.#set.has(live)) return;
    this.#takeOut(live, undefined, ownDisconnect);
    if (this.#set.isEmpty) this.#context.listener.onLastIdle();
    live.connection.close(this.#failure("idle", "the connection was closed because it had no calls"));
  }

  /** With a reason its calls go on, where the pool drains it. `why`: as {@link disconnectErrorOf}. */
  #leave(live: LiveConnection, failure: Failure | undefined, why: string, reason?: RetireReason): void {
    if (!this.#set.has(live)) return;
    const { pool, subchannel, listener } = this.#context;
    this.#takeOut(live, failure, why);
    if (this.#set.isEmpty) listener.onLastLeft(live, failure);
    else this.#tellIfFull();
    if (reason !== undefined) pool.onRetired(subchannel, live, reason);
    this.#growth?.review();
  }

  #takeOut(live: LiveConnection, failure: Failure | undefined, why: string): void {
    this.#context.live.counters.disconnections++;
    this.#context.live.observer.disconnected(why);
    this.#set.remove(live);
    this.#renewals.elderLeft(live);
    this.#context.pool.onLeft(this.#context.subchannel, live, failure);
    live.ownStreams.endAll(failure ?? this.#failure("connection-lost", "the connection left service"));
  }

  #tellIfFull(): void {
    if (this.#set.hasRoom) return;
    this.#context.pool.onFull(this.#context.subchannel);
    this.#growth?.review();
  }

  #failure(kind: "connection-lost" | "no-streams" | "ping-timeout" | "idle", message: string): Failure {
    return connectionFailure(kind, this.#context.id, "unknown", message);
  }
}
