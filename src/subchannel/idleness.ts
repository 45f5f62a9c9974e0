import type { Clock, TimerHandle } from "../runtime/clock.ts";

/** A connection, as far as its calls go. */
export interface UsedConnection {
  /** Calls started on it. */
  readonly calls: number;
  readonly openCalls: number;
}

/** It is looked for this often per timeout: a connection closes at most this share late. */
const checksPerTimeout = 10;

/** How long a connection has been without a call. Nothing here runs per call. */
export class Idleness {
  readonly #connection: UsedConnection;
  readonly #timeoutMs: number;
  readonly #clock: Clock;
  readonly #idle: () => void;
  #timer: TimerHandle | undefined;
  #sinceMs: number;
  #callsSeen = 0;

  /** `idle` is called at each look that finds no call for `timeoutMs`. `Infinity`: never. */
  constructor(connection: UsedConnection, timeoutMs: number, clock: Clock, idle: () => void) {
    this.#connection = connection;
    this.#timeoutMs = timeoutMs;
    this.#clock = clock;
    this.#idle = idle;
    this.#sinceMs = clock.now();
    this.#watch();
  }

  /** The connection replaces one that has been without calls for a while: that time goes on, or none would ever be idle. */
  inherit(elder: Idleness): void {
    if (!elder.#isBusy) this.#sinceMs = elder.#sinceMs;
  }

  stop(): void {
    this.#clock.clearTimeout(this.#timer);
  }

  /** True when a call was open since the last look. */
  get #isBusy(): boolean {
    return this.#connection.calls !== this.#callsSeen || this.#connection.openCalls > 0;
  }

  #watch(): void {
    if (this.#timeoutMs === Number.POSITIVE_INFINITY) return;
    this.#timer = this.#clock.setTimeout(() => {
      const nowMs = this.#clock.now();
      if (this.#isBusy) {
        this.#callsSeen = this.#connection.calls;
        this.#sinceMs = nowMs;
      }
      this.#watch();
      if (nowMs - this.#sinceMs >= this.#timeoutMs) this.#idle();
    }, this.#timeoutMs / checksPerTimeout);
  }
}
