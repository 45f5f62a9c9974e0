import { type Address, formatAddress } from "../address.ts";
import type { ConnectivityState } from "../connectivity-state.ts";
import { connectionFailure, type Failure } from "../errors.ts";
import {
  type Connector,
  DialError,
  type HeaderFields,
  type MethodHead,
  type Stream,
  type StreamListener,
} from "../http2/connection.ts";
import { http2ErrorCode, http2ErrorName } from "../http2/error-codes.ts";
import { type BackoffOptions, backoffDelayMs } from "../runtime/backoff.ts";
import type { TimerHandle } from "../runtime/clock.ts";
import { jitter } from "../runtime/random.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Backend } from "./backend.ts";
import { LiveConnection, type LiveConnectionHolder, type LiveConnectionOptions } from "./live-connection.ts";

/** Why a connection was taken out of service while calls may still be open on it. */
export type RetireReason = "removed" | "max-age" | "goaway" | "replaced" | "closing";

/** What subchannels share. */
export interface SubchannelOptions {
  readonly connector: Connector;
  readonly runtime: Runtime;
  readonly reconnectBackoff: BackoffOptions;
  readonly live: LiveConnectionOptions;
  /** ± 10 %; `Infinity`: never. */
  readonly maxConnectionAgeMs: number;
}

/** The pool, as its subchannels see it. */
export interface SubchannelOwner {
  /** After the change. Policies are told at the end of the tick; the picker skips what is not ready at once. */
  subchannelChanged(subchannel: Subchannel, from: ConnectivityState, failure: Failure | undefined): void;
  /** A call ended: one more may start. */
  subchannelCapacity(): void;
  /** Takes over a connection that has left service: it may still carry calls. */
  connectionRetired(subchannel: Subchannel, live: LiveConnection, reason: RetireReason): void;
  goawayReceived(subchannel: Subchannel, goaway: { readonly code: number; readonly debug: string }): void;
  /** The subchannel waits for the next call before it dials again. */
  subchannelResting(): void;
}

/** One dial under way. */
interface Dial {
  readonly abort: AbortController;
  readonly live: LiveConnection;
  readonly startedMs: number;
}

/**
 *            connect()              SETTINGS came
 *   idle ───────────────▶ connecting ───────────▶ ready
 *    ▲ ▲                      │  ▲                  │
 *    │ │     dial failed      │  │ backoff over     │ lost, GOAWAY, silent, idle
 *    │ │                      ▼  │                  │
 *    │ └──────────── transient-failure ◀────────────┤ (a connection that never proved itself: with backoff)
 *    │               (nobody waits)                 │
 *    └──────────────────────────────────────────────┘ (a proven one: at once)
 *
 *   shutdown() leads from every state to shutdown, which is final.
 */
type State =
  | { readonly status: "idle"; readonly resting: boolean }
  | { readonly status: "connecting"; readonly dial: Dial }
  | { readonly status: "ready"; readonly live: LiveConnection; readonly successor: Dial | undefined }
  | { readonly status: "transient-failure"; readonly timer: TimerHandle }
  | { readonly status: "shutdown" };

/** A connection that stayed ready this long has proven its backend, as one that answered a call has. */
const provenAfterMs = 10_000;

/** The lasting relation to one address: dials, backs off, is ready, gives its connection away to drain. */
export class Subchannel implements Backend, LiveConnectionHolder {
  readonly address: Address;
  readonly key: string;
  lastFailure: Failure | undefined;
  callsStarted = 0;
  callsFailed = 0;
  readonly #options: SubchannelOptions;
  readonly #owner: SubchannelOwner;
  #state: State = { status: "idle", resting: false };
  /** Failed dials, and connections lost before they proved themselves, in a row. */
  #failures = 0;
  #lastDialMs = 0;

  constructor(address: Address, options: SubchannelOptions, owner: SubchannelOwner) {
    this.address = address;
    this.key = formatAddress(address);
    this.#options = options;
    this.#owner = owner;
  }

  get state(): ConnectivityState {
    return this.#state.status;
  }

  get live(): LiveConnection | undefined {
    return this.#state.status === "ready" ? this.#state.live : undefined;
  }

  get hasRoom(): boolean {
    if (this.#state.status !== "ready") return false;
    return this.#state.live.connection.hasRoom;
  }

  get openCalls(): number {
    return this.#state.status === "ready" ? this.#state.live.connection.openStreams : 0;
  }

  /** Starts a request. Undefined when there is no connection that takes one: nothing was sent. */
  request(
    head: MethodHead,
    fields: HeaderFields,
    body: Uint8Array | undefined,
    listener: StreamListener,
  ): Stream | undefined {
    if (this.#state.status !== "ready") return undefined;
    const { live } = this.#state;
    const stream = live.connection.request(head, fields, body, listener);
    if (stream === undefined) return undefined;
    live.calls++;
    this.callsStarted++;
    return stream;
  }

  /** The peer answered a call: it works, and earlier failures are forgotten. */
  answered(): void {
    if (this.#state.status === "ready") this.#state.live.answered = true;
  }

  /** A call on it timed out. Is it slow, or gone? One PING decides. */
  suspect(): void {
    if (this.#state.status === "ready") this.#state.live.suspect();
  }

  slowDownPings(): void {
    if (this.#state.status === "ready") this.#state.live.slowDownPings();
  }

  connect(): void {
    if (this.#state.status === "idle" && !this.#state.resting) this.#dial();
  }

  /** A call came: ends the rest after idleness, or after a dial that failed while nobody was waiting. */
  wake(): void {
    if (this.#state.status !== "idle" || !this.#state.resting) return;
    this.#state = { status: "idle", resting: false };
    const waitMs = this.#backoffEndMs() - this.#options.runtime.clock.now();
    if (waitMs > 0) this.#backOff(waitMs, this.lastFailure);
    else this.#dial();
  }

  /**
   * Replaces the connection by a new one, make-before-break: the elder serves until the successor is ready, and goes on
   * if there is none. `done` is called once, with whether it was replaced.
   */
  renew(done: (replaced: boolean) => void): void {
    const state = this.#state;
    if (state.status !== "ready" || state.successor !== undefined) {
      done(false);
      return;
    }
    const elder = state.live;
    const dial = this.#newDial();
    this.#state = { ...state, successor: dial };
    this.#run(
      dial,
      () => {
        // The elder may have been lost meanwhile: then the successor dial became the reconnection.
        const present = this.#state;
        const live = present.status === "ready" ? present.live : undefined;
        this.#becomeReady(dial);
        if (live !== undefined) this.#owner.connectionRetired(this, live, "max-age");
        done(true);
      },
      (failure) => {
        const present = this.#state;
        if (present.status === "ready" && present.successor === dial) {
          this.#state = { ...present, successor: undefined };
          elder.expiresAtMs =
            this.#options.runtime.clock.now() + backoffDelayMs(this.#options.reconnectBackoff, 1, this.#random);
        } else {
          this.#dialFailed(dial, failure);
        }
        done(false);
      },
    );
  }

  /** Leaves for good: no new calls. The connection goes to the owner, to drain. */
  shutdown(reason: RetireReason): void {
    const state = this.#state;
    if (state.status === "shutdown") return;
    if (state.status === "connecting") state.dial.abort.abort(new Error("the address is no longer in use"));
    if (state.status === "transient-failure") this.#options.runtime.clock.clearTimeout(state.timer);
    if (state.status === "ready") state.successor?.abort.abort(new Error("the address is no longer in use"));
    this.#transition({ status: "shutdown" });
    if (state.status === "ready") this.#owner.connectionRetired(this, state.live, reason);
  }

  connectionDraining(
    live: LiveConnection,
    goaway: { readonly code: number; readonly debug: string } | undefined,
  ): void {
    if (goaway !== undefined) this.#owner.goawayReceived(this, goaway);
    if (this.live !== live) return;
    const error =
      goaway === undefined || goaway.code === http2ErrorCode.noError
        ? undefined
        : `the server said GOAWAY ${http2ErrorName(goaway.code)}`;
    this.#leaveReady(live, error === undefined ? undefined : this.#failure("connection-lost", error));
    this.#owner.connectionRetired(this, live, "goaway");
  }

  connectionCapacity(live: LiveConnection): void {
    if (this.live !== live) return;
    if (live.connection.maxConcurrentStreams === 0) {
      this.#leaveReady(live, this.#failure("no-streams", "the server allows no streams (MAX_CONCURRENT_STREAMS is 0)"));
      this.#owner.connectionRetired(this, live, "replaced");
    } else {
      this.#owner.subchannelCapacity();
    }
  }

  connectionClosed(live: LiveConnection, failure: Failure | undefined): void {
    if (this.live === live) this.#leaveReady(live, failure);
  }

  connectionSilent(live: LiveConnection, waitedMs: number): void {
    const failure = this.#failure("ping-timeout", `the connection is dead: a PING got no answer for ${waitedMs} ms`);
    if (this.live === live) this.#leaveReady(live, failure);
    live.connection.close(failure);
  }

  connectionIdle(live: LiveConnection): void {
    if (this.live !== live) return;
    this.#transition({ status: "idle", resting: true });
    this.#owner.subchannelResting();
    live.connection.close(this.#failure("idle", "the connection was closed because it had no calls"));
  }

  get #random() {
    return this.#options.runtime.random;
  }

  #failure(kind: "connection-lost" | "no-streams" | "ping-timeout" | "idle", message: string): Failure {
    return connectionFailure(kind, this.key, "unknown", message);
  }

  #newDial(): Dial {
    const { runtime, live } = this.#options;
    return {
      abort: new AbortController(),
      live: new LiveConnection(this, live, runtime.clock),
      startedMs: runtime.clock.now(),
    };
  }

  #dial(): void {
    const dial = this.#newDial();
    this.#lastDialMs = dial.startedMs;
    this.#transition({ status: "connecting", dial });
    this.#run(
      dial,
      () => this.#becomeReady(dial),
      (failure) => this.#dialFailed(dial, failure),
    );
  }

  #run(dial: Dial, succeeded: () => void, failed: (failure: Failure) => void): void {
    this.#options.connector.connect(this.address, dial.live, dial.abort.signal).then(
      (connection) => {
        if (this.#state.status === "shutdown") {
          connection.close(this.#failure("idle", "the address is no longer in use"));
        } else if (!dial.live.begin(connection)) {
          failed(this.#failure("connection-lost", "the connection ended as soon as it was made"));
        } else if (connection.maxConcurrentStreams === 0) {
          connection.close(this.#failure("no-streams", "not needed"));
          failed(this.#failure("no-streams", "the server allows no streams (MAX_CONCURRENT_STREAMS is 0)"));
        } else {
          succeeded();
        }
      },
      (error: unknown) => {
        if (this.#state.status === "shutdown") return;
        failed(
          error instanceof DialError
            ? error.failure
            : connectionFailure("connection-error", this.key, "unsent", `cannot connect: ${String(error)}`, error),
        );
      },
    );
  }

  #becomeReady(dial: Dial): void {
    const { runtime, maxConnectionAgeMs } = this.#options;
    const { live } = dial;
    live.expiresAtMs = live.readySinceMs + jitter(maxConnectionAgeMs, 0.1, runtime.random);
    this.lastFailure = undefined;
    this.#lastDialMs = dial.startedMs;
    this.#transition({ status: "ready", live, successor: undefined });
  }

  #dialFailed(dial: Dial, failure: Failure): void {
    if (this.#state.status !== "connecting" || this.#state.dial !== dial) return;
    this.#failed(failure);
  }

  /** Ready no more. A successor already being dialled becomes the reconnection. */
  #leaveReady(live: LiveConnection, failure: Failure | undefined): void {
    if (this.#state.status !== "ready") return;
    const { successor } = this.#state;
    const proven = live.answered || this.#options.runtime.clock.now() - live.readySinceMs >= provenAfterMs;
    if (proven) this.#failures = 0;
    if (successor !== undefined) this.#transition({ status: "connecting", dial: successor }, failure);
    else if (proven) this.#transition({ status: "idle", resting: false }, failure);
    else
      this.#failed(failure ?? this.#failure("connection-lost", "the server ended the connection before it answered"));
  }

  #failed(failure: Failure): void {
    this.#failures++;
    this.lastFailure = failure;
    this.#backOff(this.#backoffEndMs() - this.#options.runtime.clock.now(), failure);
  }

  #backoffEndMs(): number {
    if (this.#failures === 0) return 0;
    return this.#lastDialMs + backoffDelayMs(this.#options.reconnectBackoff, this.#failures, this.#random);
  }

  #backOff(waitMs: number, failure: Failure | undefined): void {
    const { clock, hold } = this.#options.runtime;
    const timer = clock.setTimeout(
      () => {
        // A dial keeps the process alive while TCP connects: without a call it would do so again and again.
        if (hold.held) {
          this.#dial();
        } else {
          this.#transition({ status: "idle", resting: true });
          this.#owner.subchannelResting();
        }
      },
      Math.max(0, waitMs),
    );
    this.#transition({ status: "transient-failure", timer }, failure);
  }

  #transition(state: State, failure?: Failure): void {
    const from = this.#state.status;
    this.#state = state;
    if (from !== state.status) this.#owner.subchannelChanged(this, from, failure);
  }
}
