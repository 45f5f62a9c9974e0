import { connectionFailure, type Failure } from "../base/errors.ts";
import type { ConnectionObserver } from "../observe/connection-observer.ts";
import type { Events } from "../observe/events.ts";
import type { RetireReason } from "../observe/retire-reason.ts";
import type { Clock, TimerHandle } from "../runtime/clock.ts";
import type { LiveConnection } from "../subchannel/live-connection.ts";
import type { LiveConnectionListener, SuspectReason } from "../subchannel/live-connection-listener.ts";

/** A connection that drains. */
export interface DrainingConnection {
  readonly live: LiveConnection;
  /** Its backend's id. */
  readonly address: string;
  readonly reason: RetireReason;
  /** Since when, in clock time. */
  readonly sinceMs: number;
}

interface Draining extends DrainingConnection {
  readonly timer: TimerHandle | undefined;
  cutCalls: number;
}

/** Connections that have left service: each takes no new calls and closes after its last one. */
export class Drain {
  readonly #draining = new Map<LiveConnection, Draining>();
  readonly #drainTimeoutMs: number;
  readonly #clock: Clock;
  readonly #events: Events;
  readonly #observer: ConnectionObserver;
  /** No new call goes to them: what concerns those is not heard. After the last call they close by themselves. */
  readonly #listener: LiveConnectionListener<LiveConnection> = {
    onDraining: () => undefined,
    onFull: () => undefined,
    onCapacity: () => undefined,
    onNoStreams: () => undefined,
    onUnanswered: () => undefined,
    onCleared: () => undefined,
    onCallFailed: () => undefined,
    onIdle: () => undefined,
    onClosed: (live) => this.#closed(live),
    onSuspected: (live, reason) => this.#suspected(live, reason),
    onSilent: (live, waitedMs) => this.#silent(live, waitedMs),
  };
  #whenEmpty: (() => void) | undefined;

  /** `drainTimeoutMs`: open calls are cut after this long; `Infinity`: never. */
  constructor(drainTimeoutMs: number, clock: Clock, events: Events, observer: ConnectionObserver) {
    this.#drainTimeoutMs = drainTimeoutMs;
    this.#clock = clock;
    this.#events = events;
    this.#observer = observer;
  }

  /** Connections that still drain. */
  [Symbol.iterator](): Iterator<DrainingConnection> {
    return this.#draining.values();
  }

  add(address: string, live: LiveConnection, reason: RetireReason): void {
    live.listener = this.#listener;
    this.#observer.retired(address, live.openCalls, reason);
    const timer =
      this.#drainTimeoutMs === Number.POSITIVE_INFINITY
        ? undefined
        : this.#clock.setTimeout(() => this.#cut(live), this.#drainTimeoutMs);
    this.#draining.set(live, { live, address, reason, sinceMs: this.#clock.now(), timer, cutCalls: 0 });
    live.connection.drain();
  }

  /** Closes all now, with what their open calls shall fail with. */
  closeAll(failure: Failure): void {
    for (const live of this.#draining.keys()) live.connection.close(failure);
  }

  /** Calls back once nothing drains; at once if that is so now. */
  whenEmpty(callback: () => void): void {
    if (this.#draining.size === 0) callback();
    else this.#whenEmpty = callback;
  }

  #closed(live: LiveConnection): void {
    const draining = this.#draining.get(live);
    if (draining === undefined) return;
    this.#draining.delete(live);
    this.#clock.clearTimeout(draining.timer);
    this.#observer.drained(draining.address, draining.cutCalls, this.#clock.now() - draining.sinceMs);
    if (this.#draining.size === 0) this.#whenEmpty?.();
  }

  #suspected(live: LiveConnection, reason: SuspectReason): void {
    const address = this.#draining.get(live)?.address;
    if (address === undefined || !this.#events.active) return;
    this.#events.publish({ type: "subchannel-suspect", address, reason });
  }

  #silent(live: LiveConnection, waitedMs: number): void {
    const address = this.#draining.get(live)?.address ?? "";
    const message = `the connection is dead: a PING got no answer for ${waitedMs} ms`;
    live.connection.close(connectionFailure("ping-timeout", address, "unknown", message));
  }

  #cut(live: LiveConnection): void {
    const draining = this.#draining.get(live);
    if (draining === undefined) return;
    draining.cutCalls = live.openCalls;
    live.connection.close(
      connectionFailure(
        "drain-timeout",
        draining.address,
        "unknown",
        `the call outlived drainTimeoutMs ${this.#drainTimeoutMs} of a retired connection`,
      ),
    );
  }
}
