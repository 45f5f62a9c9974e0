import type { ConnectivityState } from "../base/connectivity-state.ts";
import { connectionFailure, type Failure } from "../base/errors.ts";
import type { Address } from "../endpoint/address.ts";
import { type Endpoint, endpointId, endpointOf } from "../endpoint/endpoint.ts";
import { http2ErrorCode, http2ErrorName, isTooManyPings } from "../http2/error-codes.ts";
import type { TimerHandle } from "../runtime/clock.ts";
import { jitter } from "../runtime/random.ts";
import type { Availability, Backend } from "./backend.ts";
import type { BackendCounters, CallConnection } from "./call-connection.ts";
import { type GoawayNotice, LiveConnection, type LiveConnectionHolder, type SuspectReason } from "./live-connection.ts";
import { PendingConnection, type PendingConnectionOwner } from "./pending-connection.ts";
import { ReconnectBackoff } from "./reconnect-backoff.ts";
import { Renewal, type RenewalOwner } from "./renewal.ts";
import type { RetireReason, SubchannelOptions, SubchannelOwner } from "./subchannel-owner.ts";

/**
 *            connect()              SETTINGS came
 *   idle ───────────────▶ connecting ───────────▶ ready ─┐ renew(): the successor takes over
 *    ▲ ▲                      │  ▲                 │ │ ▲─┘
 *    │ │     dial failed      │  │ lost while a    │ │
 *    │ │                      │  └─────────────────┘ │
 *    │ │     backoff over     ▼    successor is      │
 *    │ └──────────── transient-failure ◀──── dialled │
 *    │                         lost, unproven ───────┤
 *    └───────────────────────────────────────────────┘ lost or GOAWAY, proven; GOAWAY in good order with calls open;
 *                                                      or no calls for long; or disconnect()
 *
 *   shutdown() leads from every state to shutdown, which is final.
 *
 * Idle and transient-failure may be resting: then only a new call (`wake`) makes it dial again. Without that, a process
 * with nothing to do would be kept alive by dials for ever.
 */
type State =
  | { readonly status: "idle"; readonly resting: boolean }
  | { readonly status: "connecting"; readonly dial: PendingConnection }
  | ReadyState
  /** Without a timer it is resting. */
  | { readonly status: "transient-failure"; readonly timer: TimerHandle | undefined }
  | { readonly status: "shutdown" };

interface ReadyState {
  readonly status: "ready";
  readonly live: LiveConnection;
  /** The peer's limit of streams was reached, and the connection has not said since that a stream ended. */
  full: boolean;
  readonly renewal: Renewal | undefined;
}

/** A connection that stayed ready this long has proven its backend, as one that answered a call has. */
const provenAfterMs = 10_000;

/** Connections live this share longer or shorter, so that a fleet started together does not reconnect together. */
const ageJitter = 0.1;

/** The lasting relation to one address: dials, backs off, is ready, gives its connection away to drain. */
export class Subchannel implements Backend, LiveConnectionHolder, PendingConnectionOwner, RenewalOwner {
  readonly id: string;
  endpoint: Endpoint;
  readonly counters: BackendCounters = { callsStarted: 0, callsFailed: 0 };
  availability: Availability = "usable";
  lastFailure: Failure | undefined;
  /** Why the connection in service could not be replaced when it was last tried; undefined once it was. */
  lastRenewalFailure: Failure | undefined;
  readonly #address: Address;
  readonly #options: SubchannelOptions;
  readonly #owner: SubchannelOwner;
  readonly #backoff: ReconnectBackoff;
  readonly #renewalBackoff: ReconnectBackoff;
  /** The least time between two PINGs here, since the server complained of too many (gRFC A8). 0: it did not. */
  #minPingPaceMs = 0;
  #state: State = { status: "idle", resting: false };

  constructor(address: Address, options: SubchannelOptions, owner: SubchannelOwner) {
    this.endpoint = endpointOf(address);
    this.id = endpointId(this.endpoint);
    this.#address = address;
    this.#options = options;
    this.#owner = owner;
    this.#backoff = new ReconnectBackoff(options.reconnectBackoff, options.runtime);
    this.#renewalBackoff = new ReconnectBackoff(options.reconnectBackoff, options.runtime);
  }

  get backend(): Backend {
    return this;
  }

  get state(): ConnectivityState {
    return this.#state.status;
  }

  get live(): LiveConnection | undefined {
    return this.#state.status === "ready" ? this.#state.live : undefined;
  }

  /**
   * What is free counts once the connection has said so: a slot that a call leaves is offered to the calls that wait
   * before a newcomer can take it.
   */
  get hasRoom(): boolean {
    return this.#state.status === "ready" && !this.#state.full && this.#state.live.connection.hasRoom;
  }

  /** A successor of the connection is being dialled. */
  get isRenewing(): boolean {
    return this.#state.status === "ready" && this.#state.renewal !== undefined;
  }

  get openCalls(): number {
    return this.#state.status === "ready" ? this.#state.live.connection.openStreams : 0;
  }

  /** The connection that takes the next call; undefined without room. */
  get connectionWithRoom(): CallConnection | undefined {
    return this.hasRoom ? (this.#state as ReadyState).live : undefined;
  }

  /** Servers of the same kind want no more PINGs than this. */
  slowDownPingsTo(paceMs: number): void {
    if (this.#state.status === "ready") this.#state.live.slowDownPingsTo(paceMs);
  }

  connect(): void {
    if (this.#state.status !== "idle" || this.#state.resting) return;
    if (this.#owner.resting && !this.#options.runtime.hold.held) {
      this.#state = { status: "idle", resting: true };
      return;
    }
    const dial = this.#newDial(this);
    this.#transition({ status: "connecting", dial });
    dial.start(this.#options.connector);
  }

  disconnect(): void {
    const state = this.#state;
    if (state.status !== "connecting" && state.status !== "ready") return;
    if (state.status === "connecting") state.dial.giveUp();
    this.#transition({ status: "idle", resting: false });
    if (state.status === "ready") this.#retire(state, "replaced");
  }

  /**
   * A call came: ends the rest, and forgets a failure that is old news by now. The policy may connect again. Returns
   * whether it rested.
   */
  wake(): boolean {
    const state = this.#state;
    const resting =
      state.status === "transient-failure" ? state.timer === undefined : state.status === "idle" && state.resting;
    if (!resting) return false;
    this.lastFailure = undefined;
    this.#transition({ status: "idle", resting: false });
    return true;
  }

  /**
   * Replaces the connection by a new one, make-before-break: the elder serves until the successor is ready, and goes on
   * if there is none. `done` is called once, with whether it was replaced.
   */
  renew(done: (replaced: boolean) => void): void {
    const state = this.#state;
    if (state.status !== "ready" || state.renewal !== undefined) {
      done(false);
      return;
    }
    const renewal = new Renewal(this, (owner) => this.#newDial(owner), done);
    this.#state = { ...state, renewal };
    renewal.start(this.#options.connector);
  }

  /** Leaves for good: no new calls. The connection goes to the owner, to drain. */
  shutdown(reason: RetireReason): void {
    const state = this.#state;
    if (state.status === "shutdown") return;
    if (state.status === "connecting") state.dial.giveUp();
    if (state.status === "transient-failure") this.#options.runtime.clock.clearTimeout(state.timer);
    this.#transition({ status: "shutdown" });
    if (state.status === "ready") this.#retire(state, reason);
  }

  dialSucceeded(dial: PendingConnection): void {
    this.#enterService(dial);
  }

  dialFailed(dial: PendingConnection, failure: Failure): void {
    this.#backoff.dialStarted(dial.startedMs);
    this.#failed(failure);
  }

  successorReady(successor: PendingConnection): void {
    const elder = this.live as LiveConnection;
    successor.live.inheritIdleness(elder);
    this.#enterService(successor);
    if (elder.isSuspect) this.#owner.subchannelCleared(this);
    this.#owner.connectionRetired(this, elder, "max-age");
    // Calls that waited for a stream slot of the elder.
    this.#owner.subchannelCapacity(this, true);
  }

  successorFailed(successor: PendingConnection, failure: Failure): void {
    const state = this.#state as ReadyState;
    this.#renewalBackoff.dialStarted(successor.startedMs);
    state.live.expiresAtMs = this.#options.runtime.clock.now() + this.#renewalBackoff.failed();
    this.#state = { ...state, renewal: undefined };
    this.lastRenewalFailure = failure;
    this.#owner.renewalFailed(this, failure);
  }

  connectionDraining(live: LiveConnection, goaway: GoawayNotice | undefined): void {
    if (goaway !== undefined) this.#owner.goawayReceived(this, goaway);
    if (goaway !== undefined && isTooManyPings(goaway)) this.#slowDownPings(live.slowerPingPaceMs);
    const graceful = goaway === undefined || goaway.code === http2ErrorCode.noError;
    const failure = graceful
      ? undefined
      : this.#failure("connection-lost", `the server said GOAWAY ${http2ErrorName(goaway.code)}`);
    if (this.#leaveReady(live, failure)) this.#owner.connectionRetired(this, live, "goaway");
  }

  connectionCapacity(live: LiveConnection): void {
    const state = this.#state;
    if (state.status !== "ready" || state.live !== live) return;
    if (live.connection.maxConcurrentStreams > 0) {
      const wasFull = state.full;
      state.full = !live.connection.hasRoom;
      if (!state.full) this.#owner.subchannelCapacity(this, wasFull);
      else if (!wasFull) this.#owner.subchannelFull(this);
      return;
    }
    const message = "the server allows no streams any more (MAX_CONCURRENT_STREAMS is 0)";
    this.#leaveReady(live, this.#failure("no-streams", message));
    this.#owner.connectionRetired(this, live, "replaced");
  }

  connectionFull(live: LiveConnection): void {
    const state = this.#state;
    if (state.status !== "ready" || state.live !== live || state.full) return;
    state.full = true;
    this.#owner.subchannelFull(this);
  }

  connectionClosed(live: LiveConnection, failure: Failure | undefined): void {
    this.#leaveReady(live, failure);
  }

  connectionSuspected(live: LiveConnection, reason: SuspectReason): void {
    if (this.live === live) this.#owner.subchannelSuspect(this, reason);
  }

  connectionUnanswered(live: LiveConnection): void {
    if (this.live === live) this.#owner.subchannelUnanswered(this);
  }

  connectionCleared(live: LiveConnection): void {
    if (this.live === live) this.#owner.subchannelCleared(this);
  }

  connectionSilent(live: LiveConnection, waitedMs: number): void {
    const failure = this.#failure("ping-timeout", `the connection is dead: a PING got no answer for ${waitedMs} ms`);
    this.#leaveReady(live, failure);
    live.connection.close(failure);
  }

  connectionIdle(live: LiveConnection): void {
    const state = this.#state;
    if (state.status !== "ready" || state.live !== live) return;
    this.#backoff.forget();
    this.#owner.subchannelResting();
    this.#transition({ status: "idle", resting: true });
    live.connection.close(this.#failure("idle", "the connection was closed because it had no calls"));
    state.renewal?.giveUp();
  }

  /**
   * The first complaint speaks for all servers of the kind. A server that repeats itself is a special case: what hides
   * behind it must not be that the others are looked after less and less.
   */
  #slowDownPings(paceMs: number): void {
    const isFirst = this.#minPingPaceMs === 0;
    this.#minPingPaceMs = Math.max(this.#minPingPaceMs, paceMs);
    if (isFirst) this.#owner.slowDownPings(paceMs);
  }

  #failure(kind: "connection-lost" | "no-streams" | "ping-timeout" | "idle", message: string): Failure {
    return connectionFailure(kind, this.id, "unknown", message);
  }

  /** Ready no more, by our own will: the connection goes to the owner, to drain. */
  #retire({ live, renewal }: ReadyState, reason: RetireReason): void {
    this.#owner.connectionRetired(this, live, reason);
    renewal?.giveUp();
  }

  #newDial(owner: PendingConnectionOwner): PendingConnection {
    const { runtime, live } = this.#options;
    const { clock } = runtime;
    const connection = new LiveConnection(this.id, this.counters, this, live, clock);
    return new PendingConnection(this.#address, connection, clock.now(), owner);
  }

  #enterService({ live, startedMs }: PendingConnection): void {
    const { runtime, maxConnectionAgeMs } = this.#options;
    live.expiresAtMs = live.readySinceMs + jitter(maxConnectionAgeMs, ageJitter, runtime.random);
    live.slowDownPingsTo(Math.max(this.#minPingPaceMs, this.#owner.minPingPaceMs));
    this.lastFailure = undefined;
    this.lastRenewalFailure = undefined;
    this.#backoff.dialStarted(startedMs);
    this.#renewalBackoff.forget();
    this.#transition({ status: "ready", live, full: false, renewal: undefined });
  }

  /** Ready no more, if `live` is what made it so. A successor already being dialled becomes the reconnection. */
  #leaveReady(live: LiveConnection, failure: Failure | undefined): boolean {
    const state = this.#state;
    if (state.status !== "ready" || state.live !== live) return false;
    const proven = live.answered || this.#options.runtime.clock.now() - live.readySinceMs >= provenAfterMs;
    if (proven) this.#backoff.forget();
    if (state.renewal !== undefined) {
      this.#transition({ status: "connecting", dial: state.renewal.handOver(this) }, failure);
      state.renewal.done(false);
    } else if (proven) {
      this.#transition({ status: "idle", resting: false }, failure);
    } else if (failure !== undefined) {
      this.#failed(failure);
    } else if (live.connection.openStreams > 0) {
      this.#leftUndecided(live);
    } else {
      const waitMs = this.#backoff.endedUnused();
      if (waitMs > 0) this.#backOff(waitMs, undefined);
      else this.#backoffOver();
    }
    return true;
  }

  /**
   * A GOAWAY in good order came before the first answer, and calls are open: they will show what the backend is worth.
   * Until then it is dialled at once, unless its last connections were of no use.
   */
  #leftUndecided(live: LiveConnection): void {
    live.whenJudged((answered) => {
      if (answered) this.#proved();
      else if (!this.live?.answered) this.#backoff.failedSince(live.readySinceMs);
    });
    const waitMs = this.#backoff.remainingMs();
    if (waitMs > 0) this.#backOff(waitMs, undefined);
    else this.#transition({ status: "idle", resting: false });
  }

  /** An answer came on a connection that the server has closed in good order: what it closed was no failure. */
  #proved(): void {
    this.#backoff.forget();
    if (this.#state.status !== "transient-failure" || this.lastFailure !== undefined) return;
    this.#options.runtime.clock.clearTimeout(this.#state.timer);
    this.#backoffOver();
  }

  #failed(failure: Failure): void {
    this.#backOff(this.#backoff.failed(), failure);
  }

  /** Without a failure, after a GOAWAY in good order, calls wait for the next dial instead of failing fast. */
  #backOff(waitMs: number, failure: Failure | undefined): void {
    this.lastFailure = failure;
    const timer = this.#options.runtime.clock.setTimeout(() => this.#backoffOver(), waitMs);
    this.#transition({ status: "transient-failure", timer }, failure);
  }

  #backoffOver(): void {
    if (this.#options.runtime.hold.held) {
      this.#transition({ status: "idle", resting: false });
      return;
    }
    // A dial keeps the process alive while TCP connects: without a call it would do so again and again.
    this.#owner.subchannelResting();
    this.#transition({ status: "transient-failure", timer: undefined });
  }

  #transition(state: State, failure?: Failure): void {
    const from = this.#state.status;
    this.#state = state;
    if (from !== state.status) this.#owner.subchannelChanged(this, from, failure);
  }
}
