import type { Clock, TimerHandle } from "../runtime/clock.ts";

/** How many connections a backend has. */
export interface ConnectionLimits {
  /** How many it has from the start. From 1 to 100. */
  readonly min: number;
  /** How many it may have where streams run out. From `min` to 100. */
  readonly max: number;
}

/** The connections that may become more. */
export interface GrowingConnections {
  readonly count: number;
  /** Dials that will bring one more. */
  readonly joining: number;
  readonly isFull: boolean;
  /** Dials one more. */
  dial(): void;
}

/**
 * Decides when a backend gets one more connection: while it has fewer than the minimum, and when all are full, up to the
 * maximum (gRFC A105). One is dialled at a time, and none during the wait after a dial that failed.
 */
export class Growth {
  readonly #limits: ConnectionLimits;
  readonly #clock: Clock;
  readonly #connections: GrowingConnections;
  #stopped = false;
  #wait: TimerHandle | undefined;

  constructor(limits: ConnectionLimits, clock: Clock, connections: GrowingConnections) {
    this.#limits = limits;
    this.#clock = clock;
    this.#connections = connections;
  }

  /** A connection came, is full, or is out of service. */
  review(): void {
    const { count, joining, isFull } = this.#connections;
    const { min, max } = this.#limits;
    if (this.#stopped || this.#wait !== undefined || joining > 0 || count === 0) return;
    if (count < min || (isFull && count < max)) this.#connections.dial();
  }

  /** A dial brought no connection: the next one may follow after that time. */
  failed(waitMs: number): void {
    if (this.#stopped) return;
    this.#clock.clearTimeout(this.#wait);
    this.#wait = this.#clock.setTimeout(() => {
      this.#wait = undefined;
      this.review();
    }, waitMs);
  }

  /** The last connection has left. */
  stop(): void {
    this.#stopped = true;
    this.#clock.clearTimeout(this.#wait);
  }
}
