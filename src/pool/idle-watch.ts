import { Beat } from "../runtime/beat.ts";
import type { Clock } from "../runtime/clock.ts";
import type { ProcessHold } from "../runtime/process-hold.ts";

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
  readonly #beat: Beat;
  readonly #onBeat = (): void => this.#look();
  #idleSinceMs = 0;

  /** `onIdle`: there was no call, and no `ready()`, for `timeoutMs`; `Infinity`: never. Called again while that lasts. */
  constructor(timeoutMs: number, clock: Clock, hold: ProcessHold, onIdle: () => void) {
    this.#timeoutMs = timeoutMs;
    this.#clock = clock;
    this.#hold = hold;
    this.#onIdle = onIdle;
    this.#beat = new Beat(timeoutMs / checksPerTimeout, clock);
  }

  start(): void {
    this.#idleSinceMs = this.#clock.now();
    this.#beat.add(this.#onBeat);
  }

  stop(): void {
    this.#beat.delete(this.#onBeat);
  }

  #look(): void {
    const now = this.#clock.now();
    if (this.asked || this.#hold.held) {
      this.asked = false;
      this.#idleSinceMs = now;
    } else if (now - this.#idleSinceMs >= this.#timeoutMs) {
      this.#onIdle();
    }
  }
}
