import type { Beat } from "../runtime/beat.ts";
import type { Clock } from "../runtime/clock.ts";

/** Idleness is looked for this often per timeout: a connection closes at most this share late. */
const checksPerTimeout = 10;

/** How often to look for connections that were idle for `timeoutMs`. */
export function idleCheckMs(timeoutMs: number): number {
  return timeoutMs / checksPerTimeout;
}

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
  readonly #beat: Beat;
  readonly #onIdle: () => void;
  readonly #onBeat = (): void => this.#look();
  #idleSinceMs: number;
  #callsSeen = 0;

  /** `timeoutMs` `Infinity`: never. `beat`: of {@link idleCheckMs}. */
  constructor(
    connection: WatchedConnection,
    timeoutMs: number,
    { clock, beat }: { readonly clock: Clock; readonly beat: Beat },
    onIdle: () => void,
  ) {
    this.#connection = connection;
    this.#timeoutMs = timeoutMs;
    this.#clock = clock;
    this.#beat = beat;
    this.#onIdle = onIdle;
    this.#idleSinceMs = clock.now();
    beat.add(this.#onBeat);
  }

  /** It replaces one that has been without calls for a while: that time goes on, or no connection would ever be idle. */
  inherit(elder: IdleConnectionWatch): void {
    if (!elder.#isBusy) this.#idleSinceMs = elder.#idleSinceMs;
  }

  stop(): void {
    this.#beat.delete(this.#onBeat);
  }

  /** True when a call was open since idleness was last looked for. */
  get #isBusy(): boolean {
    const { calls, openCalls } = this.#connection;
    return calls !== this.#callsSeen || openCalls > 0;
  }

  #look(): void {
    const now = this.#clock.now();
    if (this.#isBusy) {
      this.#callsSeen = this.#connection.calls;
      this.#idleSinceMs = now;
    }
    if (now - this.#idleSinceMs >= this.#timeoutMs) this.#onIdle();
  }
}
