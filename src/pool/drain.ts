import { connectionFailure, type Failure } from "../base/errors.ts";
import type { Events } from "../observe/events.ts";
import type { Clock, TimerHandle } from "../runtime/clock.ts";
import type { LiveConnection, LiveConnectionHolder, SuspectReason } from "../subchannel/live-connection.ts";
import type { RetireReason } from "../subchannel/subchannel-owner.ts";

interface Draining {
  readonly address: string;
  readonly timer: TimerHandle | undefined;
  cutCalls: number;
}

/** Connections that have left service: each takes no new calls and closes after its last one. */
export class Drain implements LiveConnectionHolder {
  readonly #draining = new Map<LiveConnection, Draining>();
  readonly #drainTimeoutMs: number;
  readonly #clock: Clock;
  readonly #events: Events;
  #whenEmpty: (() => void) | undefined;

  /** `drainTimeoutMs`: open calls are cut after this long; `Infinity`: never. */
  constructor(drainTimeoutMs: number, clock: Clock, events: Events) {
    this.#drainTimeoutMs = drainTimeoutMs;
    this.#clock = clock;
    this.#events = events;
  }

  /** Connections that still drain, with their address and open calls. */
  *[Symbol.iterator](): Iterator<{ readonly address: string; readonly openCalls: number }> {
    for (const [live, { address }] of this.#draining) yield { address, openCalls: live.connection.openStreams };
  }

  add(address: string, live: LiveConnection, reason: RetireReason): void {
    live.holder = this;
    const openCalls = live.connection.openStreams;
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

  connectionDraining(): void {
    // It drains already: the peer's GOAWAY changes nothing.
  }

  connectionFull(): void {
    // No new call goes there.
  }

  connectionCapacity(): void {
    // Room on a retired connection is for nobody.
  }

  connectionIdle(): void {
    // It closes by itself after its last call.
  }

  connectionClosed(live: LiveConnection): void {
    const draining = this.#draining.get(live);
    if (draining === undefined) return;
    this.#draining.delete(live);
    this.#clock.clearTimeout(draining.timer);
    const { address, cutCalls } = draining;
    if (this.#events.active) this.#events.publish({ type: "connection-drained", address, cutCalls });
    if (this.#draining.size === 0) this.#whenEmpty?.();
  }

  connectionSuspected(live: LiveConnection, reason: SuspectReason): void {
    const address = this.#draining.get(live)?.address;
    if (address !== undefined && this.#events.active) {
      this.#events.publish({ type: "subchannel-suspect", address, reason });
    }
  }

  connectionUnanswered(): void {
    // No new call goes there, whether it lives or not.
  }

  connectionCleared(): void {
    // No new call goes there, whether it lives or not.
  }

  connectionSilent(live: LiveConnection, waitedMs: number): void {
    const address = this.#draining.get(live)?.address ?? "";
    live.connection.close(
      connectionFailure(
        "ping-timeout",
        address,
        "unknown",
        `the connection is dead: a PING got no answer for ${waitedMs} ms`,
      ),
    );
  }

  #cut(live: LiveConnection): void {
    const draining = this.#draining.get(live);
    if (draining === undefined) return;
    draining.cutCalls = live.connection.openStreams;
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
