import { connectionFailure, type Failure } from "../base/errors.ts";
import type { Events } from "../observe/events.ts";
import type { Clock, TimerHandle } from "../runtime/clock.ts";
import type { LiveConnection } from "../subchannel/live-connection.ts";
import type { LiveConnectionListener, SuspectReason } from "../subchannel/live-connection-listener.ts";
import type { RetireReason } from "../subchannel/subchannel-listener.ts";

interface Draining {
  readonly address: string;
  readonly timer: TimerHandle | undefined;
  cutCalls: number;
}

/** Connections that have left service: each takes no new calls and closes after its last one. */
export class Drain {
  readonly #draining = new Map<LiveConnection, Draining>();
  readonly #drainTimeoutMs: number;
  readonly #clock: Clock;
  readonly #events: Events;
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
  constructor(drainTimeoutMs: number, clock: Clock, events: Events) {
    this.#drainTimeoutMs = drainTimeoutMs;
    this.#clock = clock;
    this.#events = events;
  }

  /** Connections that still drain, with their address and open calls. */
  *[Symbol.iterator](): Iterator<{ readonly address: string; readonly openCalls: number }> {
    for (const [live, { address }] of this.#draining) yield { address, openCalls: live.openCalls };
  }

  add(address: string, live: LiveConnection, reason: RetireReason): void {
    live.listener = this.#listener;
    const { openCalls } = live;
    if (this.#events.active) this.#events.publish({ type: "connection-draining", address, openCalls, reason });
    const timer =
      this.#drainTimeoutMs === Number.POSITIVE_INFINITY
        ? undefined
        : this.#clock.setTimeout(() => this.#cut(live), this.#drainTimeoutMs);
    this.#draining.set(live, { address, timer, cutCalls: 0 });
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
    const { address, cutCalls } = draining;
    if (this.#events.active) this.#events.publish({ type: "connection-drained", address, cutCalls });
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
