import type { RetireReason } from "./retire-reason.ts";

/** What became of so many, and how long they took together. */
export interface TimedCounts {
  /** Those that ended well. */
  readonly succeeded: number;
  /** Those that failed. */
  readonly failed: number;
  /** How long those took together that ended well, in milliseconds. */
  readonly succeededMs: number;
  /** How long those took together that failed, in milliseconds. */
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
  /** What became of retired connections. */
  readonly drains: {
    /** Those that have closed. */
    readonly count: number;
    /** Their calls that `drainTimeoutMs` cut. */
    readonly cutCalls: number;
    /** How long they took to drain, together. */
    readonly durationMs: number;
  };
  /** PINGs that asked whether a peer lives. */
  readonly pings: {
    /** In time. */
    readonly answered: number;
    /** Not within `pingTimeoutMs`: the connection was given up. */
    readonly unanswered: number;
  };
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
