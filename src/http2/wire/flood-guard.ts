import type { Clock } from "../../runtime/clock.ts";
import { type FloodKind, floodLimits } from "./limits.ts";

/** What we have sent on this connection so far. */
export interface Sent {
  /** HEADERS and DATA frames. */
  readonly sentFrames: number;
  /** Bytes of DATA. */
  readonly sentBytes: number;
}

interface Bucket {
  left: number;
  refilledMs: number;
  /** What we had sent then. */
  sentFrames: number;
  sentBytes: number;
}

/** Counts what a peer sends against {@link floodLimits}. The clock is read only when a bucket is empty. */
export class FloodGuard {
  readonly #clock: Clock;
  readonly #sent: Sent;
  readonly #startedMs: number;
  /** Of the kinds that came: most never do. */
  readonly #buckets: Partial<Record<FloodKind, Bucket>> = {};

  constructor(clock: Clock, sent: Sent) {
    this.#clock = clock;
    this.#sent = sent;
    this.#startedMs = clock.now();
  }

  /** Takes note of one more. Returns false when that is too many. */
  allows(kind: FloodKind): boolean {
    const bucket = this.#buckets[kind] ?? this.#fill(kind);
    return --bucket.left >= 0 || this.#refill(kind, bucket);
  }

  /** Full, as it would have been from the start of the connection. */
  #fill(kind: FloodKind): Bucket {
    const left = floodLimits[kind].burst;
    const bucket: Bucket = { left, refilledMs: this.#startedMs, sentFrames: 0, sentBytes: 0 };
    this.#buckets[kind] = bucket;
    return bucket;
  }

  #refill(kind: FloodKind, bucket: Bucket): boolean {
    const { burst, perSecond, perSentFrame, perSentByte } = floodLimits[kind];
    const now = this.#clock.now();
    const { sentFrames, sentBytes } = this.#sent;
    const earned =
      ((now - bucket.refilledMs) / 1_000) * perSecond +
      (sentFrames - bucket.sentFrames) * perSentFrame +
      (sentBytes - bucket.sentBytes) * perSentByte;
    // Less than one is not lost: it counts on from where it was.
    if (earned < 1) return false;
    bucket.refilledMs = now;
    bucket.sentFrames = sentFrames;
    bucket.sentBytes = sentBytes;
    bucket.left = Math.min(burst, Math.floor(earned)) - 1;
    return true;
  }
}
