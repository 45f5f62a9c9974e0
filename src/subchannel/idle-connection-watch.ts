import type { Clock, TimerHandle } from "../runtime/clock.ts";
import { sharedBeatMs } from "../runtime/shared-beat.ts";

/** Idleness is looked for this often per timeout: a connection closes at most this share late. */
const checksPerTimeout = 10;

/** What is looked at of a connection. */
interface WatchedConnection {
  readonly openCalls: number;
  /** Calls started on it. */
  readonly calls: number;
}

/** Notices that a connection had no call for long. Nothing here runs per call. */
export class IdleConnectionWatch {
  readonly #connection: WatchedConnection;
  readonly #timeoutMs: number;
  readonly #clock: Clock;
  readonly #onIdle: () => void;
  #timer: TimerHandle | undefined;
  #idleSinceMs: number;
  #callsSeen = 0;

  /** `timeoutMs` `Infinity`: never. */
  constructor(connection: WatchedConnection, timeoutMs: number, clock: Clock, onIdle: () => void) {
    this.#connection = connection;
    this.#timeoutMs = timeoutMs;
    this.#clock = clock;
    this.#onIdle = onIdle;
    this.#idleSinceMs = clock.now();
    this.#schedule();
  }

  /** It replaces one that has been without calls for a while: that time goes on, or no connection would ever be idle. */
  inherit(elder: IdleConnectionWatch): void {
    if (!elder.#isBusy) this.#idleSinceMs = elder.#idleSinceMs;
  }

  stop(): void {
    this.#clock.clearTimeout(this.#timer);
  }

  /** True when a call was open since idleness was last looked for. */
  get #isBusy(): boolean {
    const { calls, openCalls } = this.#connection;
    return calls !== this.#callsSeen || openCalls > 0;
  }

  #schedule(): void {
    if (this.#timeoutMs === Number.POSITIVE_INFINITY) return;
    const waitMs = sharedBeatMs(this.#clock.now(), this.#timeoutMs / checksPerTimeout);
    this.#timer = this.#clock.setTimeout(() => this.#look(), waitMs);
  }

  #look(): void {
    const now = this.#clock.now();
    if (this.#isBusy) {
      this.#callsSeen = this.#connection.calls;
      this.#idleSinceMs = now;
    }
    this.#schedule();
    if (now - this.#idleSinceMs >= this.#timeoutMs) this.#onIdle();
  }
}
