import type { Clock } from "../../runtime/clock.ts";
import { type FloodKind, floodLimits } from "./limits.ts";

interface Bucket {
  left: number;
  refilledMs: number;
  /** Frames we had sent then. */
  sentFrames: number;
}

/** Counts what a peer sends against {@link floodLimits}. The clock is read only when a bucket is empty. */
export class FloodGuard {
  readonly #clock: Clock;
  readonly #sentFrames: () => number;
  readonly #buckets: Record<FloodKind, Bucket>;

  /** `sentFrames` counts the HEADERS and DATA frames of this connection. */
  constructor(clock: Clock, sentFrames: () => number) {
    this.#clock = clock;
    this.#sentFrames = sentFrames;
    const refilledMs = clock.now();
    const full = (kind: FloodKind): Bucket => ({ left: floodLimits[kind].burst, refilledMs, sentFrames: 0 });
    this.#buckets = {
      ping: full("ping"),
      settings: full("settings"),
      goaway: full("goaway"),
      windowUpdate: full("windowUpdate"),
      ignored: full("ignored"),
      emptyData: full("emptyData"),
      tinyData: full("tinyData"),
      stray: full("stray"),
      strayHeaders: full("strayHeaders"),
    };
  }

  /** Takes note of one more. Returns false when that is too many. */
  allows(kind: FloodKind): boolean {
    const bucket = this.#buckets[kind];
    return --bucket.left >= 0 || this.#refill(kind, bucket);
  }

  #refill(kind: FloodKind, bucket: Bucket): boolean {
    const { burst, perSecond, perSentFrame } = floodLimits[kind];
    const now = this.#clock.now();
    const sentFrames = this.#sentFrames();
    const earned = ((now - bucket.refilledMs) / 1_000) * perSecond + (sentFrames - bucket.sentFrames) * perSentFrame;
    // Less than one is not lost: it counts on from where it was.
    if (earned < 1) return false;
    bucket.refilledMs = now;
    bucket.sentFrames = sentFrames;
    bucket.left = Math.min(burst, Math.floor(earned)) - 1;
    return true;
  }
}
