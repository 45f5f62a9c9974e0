import type { Clock, TimerHandle } from "../runtime/clock.ts";
import type { ProcessHold } from "../runtime/process-hold.ts";
import { sharedBeatMs } from "../runtime/shared-beat.ts";

/** Idleness is looked for this often per timeout: it is noticed at most this share late. */
const checksPerTimeout = 10;

/** Notices that nothing was asked of a pool for long. */
export class IdleWatch {
  /** Set for each call: all that this costs one. */
  asked = false;
  readonly #timeoutMs: number;
  readonly #clock: Clock;
  readonly #hold: ProcessHold;
  readonly #onIdle: () => void;
  #timer: TimerHandle | undefined;
  #idleSinceMs = 0;

  /** `onIdle`: there was no call, and no `ready()`, for `timeoutMs`; `Infinity`: never. Called again while that lasts. */
  constructor(timeoutMs: number, clock: Clock, hold: ProcessHold, onIdle: () => void) {
    this.#timeoutMs = timeoutMs;
    this.#clock = clock;
    this.#hold = hold;
    this.#onIdle = onIdle;
  }

  start(): void {
    this.#idleSinceMs = this.#clock.now();
    this.#watch();
  }

  stop(): void {
    this.#clock.clearTimeout(this.#timer);
  }

  #watch(): void {
    if (this.#timeoutMs === Number.POSITIVE_INFINITY) return;
    const waitMs = sharedBeatMs(this.#clock.now(), this.#timeoutMs / checksPerTimeout);
    this.#timer = this.#clock.setTimeout(() => {
      this.#watch();
      const now = this.#clock.now();
      if (this.asked || this.#hold.held) {
        this.asked = false;
        this.#idleSinceMs = now;
      } else if (now - this.#idleSinceMs >= this.#timeoutMs) {
        this.#onIdle();
      }
    }, waitMs);
  }
}
