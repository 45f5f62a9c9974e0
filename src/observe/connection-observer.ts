import { ConnectionCounters } from "./connection-counters.ts";
import { connectChannel, DialObserver, type DialObserverContext } from "./dial-observer.ts";
import type { Events } from "./events.ts";
import type { RetireReason } from "./retire-reason.ts";

/** Sees every connection of one channel come and go: counts it, and publishes it. Backends are named by their id. */
export class ConnectionObserver {
  readonly counters: ConnectionCounters = new ConnectionCounters();
  readonly #events: Events;
  readonly #dials: DialObserverContext;

  constructor(target: string, events: Events) {
    this.#events = events;
    this.#dials = { target, events, counters: this.counters, channel: connectChannel() };
  }

  dialStarted(address: string): DialObserver {
    return new DialObserver(this.#dials, address);
  }

  /** A connection left service. `reason`: a value of `grpc.disconnect_error` (gRFC A94). */
  disconnected(reason: string): void {
    this.counters.disconnected(reason);
  }

  /** It left service with its open calls. */
  retired(address: string, openCalls: number, reason: RetireReason): void {
    this.counters.retired[reason]++;
    if (this.#events.active) this.#events.publish({ type: "connection-draining", address, openCalls, reason });
  }

  /** A retired connection has closed. */
  drained(address: string, cutCalls: number, tookMs: number): void {
    const { drains } = this.counters;
    drains.count++;
    drains.cutCalls += cutCalls;
    drains.durationMs += tookMs;
    if (!this.#events.active) return;
    this.#events.publish({ type: "connection-drained", address, cutCalls, tookMs: Math.round(tookMs) });
  }

  pingAnswered(): void {
    this.counters.pings.answered++;
  }

  /** A PING got no answer: the connection is dead. */
  pingUnanswered(address: string, waitedMs: number): void {
    this.counters.pings.unanswered++;
    if (this.#events.active) this.#events.publish({ type: "ping-timeout", address, waitedMs });
  }
}
