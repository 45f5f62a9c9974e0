import type { RetireReason } from "./retire-reason.ts";

/** What became of so many, and how long they took together. */
export interface TimedCounts {
  readonly succeeded: number;
  readonly failed: number;
  readonly succeededMs: number;
  readonly failedMs: number;
}

/** Counts of a channel's connections since it was made, as plain data. Each only grows. */
export interface ConnectionCounts {
  /** Dials that have ended: TCP, TLS and the peer's SETTINGS together. One that nobody wanted any more does not count. */
  readonly dials: TimedCounts;
  /**
   * Connections that left service, by the reason: the values of `grpc.disconnect_error` (gRFC A94), `GOAWAY NO_ERROR`,
   * `subchannel shutdown` or `connection reset` say. Those that have occurred.
   */
  readonly disconnections: Readonly<Record<string, number>>;
  /** Connections that left service with their calls, which they were left to finish. */
  readonly retired: Readonly<Record<RetireReason, number>>;
  /** Retired connections that have closed, the calls that `drainTimeoutMs` cut, and how long they took together. */
  readonly drains: { readonly count: number; readonly cutCalls: number; readonly durationMs: number };
  /** PINGs that asked whether a peer lives. */
  readonly pings: { readonly answered: number; readonly unanswered: number };
}

/** Counts of what has an end that is good or bad. */
export class TimedCounters implements TimedCounts {
  succeeded = 0;
  failed = 0;
  succeededMs = 0;
  failedMs = 0;

  ended(succeeded: boolean, tookMs: number): void {
    if (succeeded) {
      this.succeeded++;
      this.succeededMs += tookMs;
    } else {
      this.failed++;
      this.failedMs += tookMs;
    }
  }
}

/** What is counted of the connections of a channel, always. */
export class ConnectionCounters {
  readonly dials: TimedCounters = new TimedCounters();
  readonly drains = { count: 0, cutCalls: 0, durationMs: 0 };
  readonly pings = { answered: 0, unanswered: 0 };
  readonly retired: Record<RetireReason, number> = { removed: 0, "max-age": 0, goaway: 0, replaced: 0, closing: 0 };
  readonly #disconnections = new Map<string, number>();

  disconnected(reason: string): void {
    this.#disconnections.set(reason, (this.#disconnections.get(reason) ?? 0) + 1);
  }

  read(): ConnectionCounts {
    return {
      dials: { ...this.dials },
      disconnections: Object.fromEntries(this.#disconnections),
      retired: { ...this.retired },
      drains: { ...this.drains },
      pings: { ...this.pings },
    };
  }
}
