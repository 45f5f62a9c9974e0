import { type Failure, factOf } from "../base/errors.ts";
import { ConnectionCounters } from "./connection-counters.ts";
import type { Events } from "./events.ts";
import type { RetireReason } from "./retire-reason.ts";
import type { SocketFacts } from "./socket-facts.ts";

/** Sees every connection of one channel come and go: counts it, and publishes it. Backends are named by their id. */
export class ConnectionObserver {
  readonly counters: ConnectionCounters = new ConnectionCounters();
  readonly #events: Events;

  constructor(events: Events) {
    this.#events = events;
  }

  /** A dial brought a connection. */
  connected(address: string, socket: SocketFacts, maxConcurrentStreams: number, tookMs: number): void {
    this.counters.dials.ended(true, tookMs);
    if (!this.#events.active) return;
    const { localAddress, alpn, tls } = socket;
    this.#events.publish({
      type: "connected",
      address,
      tookMs: Math.round(tookMs),
      localAddress,
      alpn,
      tls,
      maxConcurrentStreams: limitOf(maxConcurrentStreams),
    });
  }

  /** A dial failed. */
  connectFailed(address: string, failure: Failure, tookMs: number): void {
    this.counters.dials.ended(false, tookMs);
    if (!this.#events.active) return;
    this.#events.publish({ type: "connect-failed", address, tookMs: Math.round(tookMs), error: factOf(failure) });
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

/** `Infinity` is none, and no JSON. */
export function limitOf(limit: number): number | undefined {
  return limit === Number.POSITIVE_INFINITY ? undefined : limit;
}
