import type { Availability } from "../base/availability.ts";
import type { ConnectivityState } from "../base/connectivity-state.ts";
import type { Failure } from "../base/errors.ts";
import { endpointWeight } from "../endpoint/attributes.ts";
import { type Endpoint, endpointId } from "../endpoint/endpoint.ts";
import type { RetireReason } from "../observe/retire-reason.ts";
import { uniqueId } from "../runtime/unique-id.ts";
import type { Backend } from "./backend.ts";
import { BackendRecord } from "./backend-record.ts";
import { BackendCounters, type CallConnection } from "./call-connection.ts";
import { Connectivity } from "./connectivity.ts";
import { EndpointDial, type EndpointDialListener } from "./endpoint-dial.ts";
import type { LiveConnection } from "./live-connection.ts";
import { ServingConnections, type ServingContext } from "./serving-connections.ts";
import type { PoolConditions, SubchannelContext } from "./subchannel-context.ts";
import type { SubchannelListener } from "./subchannel-listener.ts";

const noConnections: readonly LiveConnection[] = Object.freeze([]);

/** The lasting relation to one backend: what policies, pickers and the pool see of it. */
export class Subchannel implements Backend {
  readonly id: string;
  /** As the resolver names it now, with the same `id`. A dial that is under way goes on as it was begun. */
  endpoint: Endpoint;
  /** For {@link GlinkSnapshot}. */
  readonly serial: number = uniqueId();
  readonly counters: BackendCounters = new BackendCounters();
  /** How its calls go. */
  readonly record: BackendRecord;
  /** Decided in availability/: calls go to others. */
  isEjected = false;
  /** Decided in pool/. */
  isLeaving = false;
  /** Decided in availability/: what of its weight it gets, of slow start. */
  weightShare = 1;
  /** Decided in availability/: what zones make of its weight. */
  zoneFactor = 1;
  readonly #connectivity: Connectivity<Subchannel>;
  /** The least time between two PINGs here, since the server complained of too many (gRFC A8). 0: it did not. */
  #minPingPaceMs = 0;

  constructor(
    endpoint: Endpoint,
    options: SubchannelContext,
    conditions: Readonly<PoolConditions>,
    listener: SubchannelListener<Subchannel>,
  ) {
    this.endpoint = endpoint;
    this.id = endpointId(endpoint);
    const { counters } = this;
    const { runtime, observer } = options;
    const record = new BackendRecord(conditions.tally);
    this.record = record;
    const newDial = (dialListener: EndpointDialListener) =>
      new EndpointDial(this.endpoint, { runtime, observer, counters }, dialListener);
    const servingContext: ServingContext<Subchannel> = {
      subchannel: this,
      id: this.id,
      options,
      live: {
        backend: this.id,
        options: options.live,
        beats: conditions.beats,
        counters,
        record,
        observer,
        runtime,
      },
      minPingPaceMs: () => Math.max(this.#minPingPaceMs, conditions.minPingPaceMs),
      newDial,
      listener: {
        onEntered: (dialStartedMs) => this.#connectivity.entered(dialStartedMs),
        onLastLeft: (live, failure) => this.#connectivity.lastLeft(live, failure),
        onLastIdle: () => this.#connectivity.lastIdle(),
        onTooManyPings: (paceMs) => {
          // The first complaint speaks for all servers of the kind. A server that repeats itself is a special case: what
          // hides behind it must not be that the others are looked after less and less.
          const isFirst = this.#minPingPaceMs === 0;
          this.#minPingPaceMs = Math.max(this.#minPingPaceMs, paceMs);
          if (isFirst) listener.onTooManyPings(paceMs);
        },
      },
      pool: listener,
    };
    this.#connectivity = new Connectivity({
      options,
      conditions,
      newDial,
      serve: (first) => new ServingConnections(servingContext, first),
      listener: {
        onStateChanged: (from, failure) => listener.onStateChanged(this, from, failure),
        onRetired: (live, reason) => listener.onRetired(this, live, reason),
        onResting: () => listener.onResting(),
      },
    });
  }

  get backend(): Backend {
    return this;
  }

  get weight(): number {
    return this.endpoint.attributes.get(endpointWeight) * this.weightShare * this.zoneFactor;
  }

  get state(): ConnectivityState {
    return this.#connectivity.state;
  }

  /** Since when, in clock time. */
  get stateSinceMs(): number {
    return this.#connectivity.stateSinceMs;
  }

  get lastFailure(): Failure | undefined {
    return this.#connectivity.lastFailure;
  }

  /** Those in service, the eldest first. */
  get connections(): readonly LiveConnection[] {
    return this.#connectivity.serving?.list ?? noConnections;
  }

  /** That of the best of its connections, unless it is ejected. */
  get availability(): Availability {
    if (this.isEjected) return "ejected";
    const { connections } = this;
    if (connections.length === 0) return "usable";
    let best: Availability = "unhealthy";
    for (const { availability } of connections) {
      if (availability === "usable") return "usable";
      if (availability === "suspect") best = "suspect";
    }
    return best;
  }

  /** All of its connections left a call or a PING unanswered. */
  get isSuspect(): boolean {
    const { connections } = this;
    return connections.length > 0 && connections.every((live) => live.isSuspect);
  }

  get hasRoom(): boolean {
    return this.record.probation?.isOpen !== true && (this.#connectivity.serving?.hasRoom ?? false);
  }

  get openCalls(): number {
    let openCalls = 0;
    for (const live of this.connections) openCalls += live.openCalls;
    return openCalls;
  }

  /** The connection that takes the next call; undefined without room. */
  get connectionWithRoom(): CallConnection | undefined {
    return this.record.probation?.isOpen === true ? undefined : this.#connectivity.serving?.withRoom;
  }

  /** Why a connection in service could not be replaced when that was last tried; undefined once one was. */
  get lastRenewalFailure(): Failure | undefined {
    return this.#connectivity.serving?.lastRenewalFailure;
  }

  /** Whether a call that failed on these connections, on the last of them just now, has another of this backend to go to. */
  hasConnectionBeyond(failed: readonly CallConnection[]): boolean {
    const { state: status } = this;
    if (status !== "ready") return (status === "idle" || status === "connecting") && this.lastFailure === undefined;
    return this.connections.some((live) =>
      // The last one is lost, though its subchannel is yet to be told: if it was of use, the next dial starts at once.
      live === failed.at(-1) ? live.answered : live.hasRoom && !failed.includes(live),
    );
  }

  /** Servers of the same kind want no more PINGs than this. */
  slowDownPingsTo(paceMs: number): void {
    for (const live of this.connections) live.slowDownPingsTo(paceMs);
  }

  connect(): void {
    this.#connectivity.connect();
  }

  disconnect(): void {
    this.#connectivity.disconnect();
  }

  /** Leaves for good: no new calls. Connections go to the listener, to drain. */
  shutdown(reason: RetireReason): void {
    this.#connectivity.shutdown(reason);
  }

  /**
   * A call came: ends the rest, and forgets a failure that is old news by now. The policy may connect again. Returns
   * whether it rested.
   */
  wake(): boolean {
    return this.#connectivity.wake();
  }

  /** True while a successor of the connection is being dialled. */
  isRenewing(live: LiveConnection): boolean {
    return this.#connectivity.serving?.isRenewing(live) ?? false;
  }

  /**
   * Replaces a connection by a new one, make-before-break: the elder serves until the successor is ready, and goes on if
   * there is none. `done` is called once, with whether it was replaced.
   */
  renew(live: LiveConnection, done: (replaced: boolean) => void): void {
    const { serving } = this.#connectivity;
    if (serving === undefined) done(false);
    else serving.renew(live, done);
  }
}
