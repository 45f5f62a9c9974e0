import { inBackground } from "../runtime/background.ts";
import type { Clock, TimerHandle } from "../runtime/clock.ts";

/** Limits are short from here on, and full again below half of it: 64 MiB. */
const shortFromBytes = 67_108_864;

/** A limit while they are short. */
const shortBytes = 65_536;

/**
 * How long they stay short at least. The change is a frame to every peer, and servers take many of those for a flood;
 * whoever reads fast could cause one for every few megabytes.
 */
const leastShortMs = 1_000;

/** Told when {@link UnreadMemory.limit} has changed. */
export interface LimitListener {
  onLimitChanged(): void;
}

/**
 * What the responses of a channel hold that nobody has read yet, on all connections and above them. Each response has
 * limits of its own, and many of them within theirs are much: above 64 MiB together, each may hold little more.
 */
export class UnreadMemory {
  readonly #clock: Clock;
  readonly #listeners = new Set<LimitListener>();
  #bytes = 0;
  #isShort = false;
  /** Set until limits may be full again. */
  #settling: TimerHandle | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** What one response may hold of one kind, where that is `fullBytes` as long as memory is not short. */
  limit(fullBytes: number): number {
    return this.#isShort && fullBytes > shortBytes ? shortBytes : fullBytes;
  }

  /** So much more waits to be read. */
  add(bytes: number): void {
    this.#bytes += bytes;
    if (this.#isShort || this.#bytes <= shortFromBytes) return;
    inBackground(() => this.#startShort());
  }

  /** So much of it was read, or will not be. */
  remove(bytes: number): void {
    this.#bytes -= bytes;
    if (this.#isShort) this.#endIfOver();
  }

  /** Whoever announces limits, until {@link unlisten}. */
  listen(listener: LimitListener): void {
    this.#listeners.add(listener);
  }

  unlisten(listener: LimitListener): void {
    this.#listeners.delete(listener);
  }

  /** Nothing is added any more. */
  close(): void {
    this.#clock.clearTimeout(this.#settling);
  }

  #startShort(): void {
    this.#settling = this.#clock.setTimeout(() => {
      this.#settling = undefined;
      this.#endIfOver();
    }, leastShortMs);
    this.#change(true);
  }

  /** Whatever ends a shortage: bytes that are read, or its least time. */
  #endIfOver(): void {
    if (this.#settling === undefined && this.#bytes < shortFromBytes / 2) this.#change(false);
  }

  #change(isShort: boolean): void {
    this.#isShort = isShort;
    for (const listener of this.#listeners) listener.onLimitChanged();
  }
}
