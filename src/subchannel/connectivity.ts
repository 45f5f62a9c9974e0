import type { ConnectivityState } from "../base/connectivity-state.ts";
import type { Failure } from "../base/errors.ts";
import type { RetireReason } from "../observe/retire-reason.ts";
import type { TimerHandle } from "../runtime/clock.ts";
import type { DialedConnection, EndpointDial, EndpointDialListener } from "./endpoint-dial.ts";
import type { LiveConnection } from "./live-connection.ts";
import { ReconnectBackoff } from "./reconnect-backoff.ts";
import type { ServingConnections } from "./serving-connections.ts";
import type { PoolConditions, SubchannelContext } from "./subchannel-context.ts";

/**
 *            connect()              SETTINGS came
 *   idle ───────────────▶ connecting ───────────▶ ready ─┐ renew(), or streams run out: another connection
 *    ▲ ▲                      │  ▲                 │ │ ▲─┘
 *    │ │     dial failed      │  │ lost while a    │ │
 *    │ │                      │  └─────────────────┘ │
 *    │ │     backoff over     ▼    successor is      │
 *    │ └──────────── transient-failure ◀──── dialled │
 *    │                         lost, unproven ───────┤
 *    └───────────────────────────────────────────────┘ lost or GOAWAY, proven; GOAWAY in good order with calls open;
 *                                                      or no calls for long; or disconnect()
 *
 *   "Lost" is said of the last connection. disconnect() leads from connecting to idle too, and shutdown() from every state
 *   to shutdown, which is final.
 *
 * Idle and transient-failure may be resting: then only a new call (`wake`) makes it dial again. Without that, a process
 * with nothing to do would be kept alive by dials for ever.
 */
type State<S> =
  | { readonly status: "idle"; readonly resting: boolean }
  | { readonly status: "connecting"; readonly dial: EndpointDial }
  | { readonly status: "ready"; readonly serving: ServingConnections<S> }
  /** Without a timer it is resting. */
  | { readonly status: "transient-failure"; readonly timer: TimerHandle | undefined }
  | { readonly status: "shutdown" };

/** Told of what the state machine does: its subchannel. */
export interface ConnectivityListener {
  /** After the change. */
  onStateChanged(from: ConnectivityState, failure: Failure | undefined): void;
  /** A connection that is out of service may still carry calls. */
  onRetired(live: LiveConnection, reason: RetireReason): void;
  /** From its next change on it waits for a call to wake it before it can be dialled again. */
  onResting(): void;
}

/** What the state machine works with. */
export interface ConnectivityContext<S> {
  readonly options: SubchannelContext;
  readonly conditions: Readonly<PoolConditions>;
  readonly listener: ConnectivityListener;
  newDial(listener: EndpointDialListener): EndpointDial;
  /** The connection goes into service, as the first. */
  serve(first: DialedConnection): ServingConnections<S>;
}

/** The connectivity state of one backend: when it is dialled, when it is left alone, and when it is ready. */
export class Connectivity<S> {
  lastFailure: Failure | undefined;
  /** In clock time. */
  stateSinceMs: number;
  readonly #context: ConnectivityContext<S>;
  readonly #backoff: ReconnectBackoff;
  readonly #dialListener: EndpointDialListener;
  #state: State<S> = { status: "idle", resting: false };

  constructor(context: ConnectivityContext<S>) {
    const { reconnectBackoff, runtime } = context.options;
    this.#context = context;
    this.stateSinceMs = runtime.clock.now();
    this.#backoff = new ReconnectBackoff(reconnectBackoff, runtime);
    this.#dialListener = {
      onConnected: (dialed) => this.#transition({ status: "ready", serving: this.#context.serve(dialed) }),
      onFailed: (failure, dialStartedMs) => {
        this.#backoff.dialStarted(dialStartedMs);
        this.#failed(failure);
      },
    };
  }

  get state(): ConnectivityState {
    return this.#state.status;
  }

  /** The connections in service: in the state ready. */
  get serving(): ServingConnections<S> | undefined {
    return this.#state.status === "ready" ? this.#state.serving : undefined;
  }

  connect(): void {
    if (this.#state.status !== "idle" || this.#state.resting) return;
    const { options, conditions } = this.#context;
    if (conditions.resting && !options.runtime.hold.held) {
      this.#transition({ status: "idle", resting: true });
      return;
    }
    const dial = this.#context.newDial(this.#dialListener);
    this.#transition({ status: "connecting", dial });
    dial.start(options.connector);
  }

  disconnect(): void {
    const { status } = this.#state;
    if (status === "connecting" || status === "ready") this.#leave({ status: "idle", resting: false }, "replaced");
  }

  shutdown(reason: RetireReason): void {
    if (this.#state.status !== "shutdown") this.#leave({ status: "shutdown" }, reason);
  }

  /** Ends the rest, and forgets a failure that is old news by now. Returns whether it rested. */
  wake(): boolean {
    const state = this.#state;
    const resting =
      state.status === "transient-failure" ? state.timer === undefined : state.status === "idle" && state.resting;
    if (!resting) return false;
    this.lastFailure = undefined;
    this.#transition({ status: "idle", resting: false });
    return true;
  }

  /** A connection came into service, by a dial that began then. */
  entered(dialStartedMs: number): void {
    this.lastFailure = undefined;
    this.#backoff.dialStarted(dialStartedMs);
  }

  /** The last connection is out of service, because it had no calls. */
  lastIdle(): void {
    this.#backoff.forget();
    this.#context.listener.onResting();
    this.#transition({ status: "idle", resting: true });
  }

  /** The last connection is out of service: lost, with a failure, or sent away in good order. */
  lastLeft(live: LiveConnection, failure: Failure | undefined): void {
    if (live.isProven) this.#backoff.forget();
    // A dial that is under way becomes the reconnection.
    const renewal = this.serving?.handOver(this.#dialListener);
    if (renewal !== undefined) {
      this.#transition({ status: "connecting", dial: renewal.dial }, failure);
      renewal.done(false);
    } else if (live.isProven) {
      this.#transition({ status: "idle", resting: false }, failure);
    } else if (failure !== undefined) {
      this.#failed(failure);
    } else if (live.openCalls > 0) {
      this.#leftUndecided(live);
    } else {
      const waitMs = this.#backoff.endedUnused();
      if (waitMs > 0) this.#backOff(waitMs, undefined);
      else this.#backoffOver();
    }
  }

  /**
   * A GOAWAY in good order came before the first answer, and calls are open: they will show what the backend is worth.
   * Until then it is dialled at once, unless its last connections were of no use.
   */
  #leftUndecided(live: LiveConnection): void {
    live.whenJudged((answered) => {
      if (answered) this.#proved();
      else if (!this.serving?.list.some((other) => other.answered)) this.#backoff.failedSince(live.readySinceMs);
    });
    const waitMs = this.#backoff.remainingMs();
    if (waitMs > 0) this.#backOff(waitMs, undefined);
    else this.#transition({ status: "idle", resting: false });
  }

  /** An answer came on a connection that the server has closed in good order: what it closed was no failure. */
  #proved(): void {
    this.#backoff.forget();
    if (this.#state.status === "transient-failure" && this.lastFailure === undefined) this.#backoffOver();
  }

  #failed(failure: Failure): void {
    this.#backOff(this.#backoff.failed(), failure);
  }

  /** Without a failure, after a GOAWAY in good order, calls wait for the next dial instead of failing fast. */
  #backOff(waitMs: number, failure: Failure | undefined): void {
    this.lastFailure = failure;
    const timer = this.#context.options.runtime.clock.setTimeout(() => this.#backoffOver(), waitMs);
    this.#transition({ status: "transient-failure", timer }, failure);
  }

  #backoffOver(): void {
    if (this.#context.options.runtime.hold.held) {
      this.#transition({ status: "idle", resting: false });
      return;
    }
    // A dial keeps the process alive while TCP connects: without a call it would do so again and again.
    this.#context.listener.onResting();
    this.#transition({ status: "transient-failure", timer: undefined });
  }

  /** By our own will: connections go to whoever drains them. */
  #leave(next: State<S>, reason: RetireReason): void {
    const retired = this.serving?.clear() ?? [];
    this.#transition(next);
    for (const live of retired) this.#context.listener.onRetired(live, reason);
  }

  /** The one place where the state changes. What the state before owned ends with it. */
  #transition(next: State<S>, failure?: Failure): void {
    const before = this.#state;
    this.#state = next;
    switch (before.status) {
      case "connecting":
        // Nothing, when the dial has ended. One that was handed on is begun already.
        before.dial.giveUp();
        break;
      case "ready":
        before.serving.giveUpRenewals();
        break;
      case "transient-failure":
        this.#context.options.runtime.clock.clearTimeout(before.timer);
        break;
      case "idle":
      case "shutdown":
        break;
      default:
        before satisfies never;
    }
    if (before.status === next.status) return;
    this.stateSinceMs = this.#context.options.runtime.clock.now();
    this.#context.listener.onStateChanged(before.status, failure);
  }
}
