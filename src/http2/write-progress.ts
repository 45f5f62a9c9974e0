import type { Connection } from "./connection.ts";

/**
 * What lies in the kernels of both ends, ahead of a PING, is a few times of what a peer makes room for at once: so many
 * such times may pass until the PING is read. Not more than the limit in all: who needs as long is as good as dead.
 */
const timesInKernels = 4;
const longestInKernelsMs = 120_000;

/**
 * Whether the peer reads what we send, as far as a socket shows it. What it takes at once may lie in the kernel for ever,
 * and tells nothing; what had to wait leaves because the peer read some of what went before it.
 */
export class WriteProgress {
  /** When the peer last made room for bytes that waited. */
  lastMs: number = Number.NEGATIVE_INFINITY;
  /** For how long, at least, they had waited then. */
  #afterMs = 0;
  /** Since when bytes have waited; undefined: none do. */
  #blockedSinceMs: number | undefined;
  #bytesWritten = 0;

  /** How long a PING may need through the kernels, once it has left: 0 for a peer that reads as fast as we write. */
  get inKernelsMs(): number {
    return Math.min(timesInKernels * this.#afterMs, longestInKernelsMs);
  }

  /** Takes note of what left since the last look, at most `sinceMs` ago. Returns whether the peer made room for it. */
  look({ bytesWritten, isBlocked }: Connection, nowMs: number, sinceMs: number): boolean {
    const blockedSinceMs = this.#blockedSinceMs;
    const madeRoom = blockedSinceMs !== undefined && bytesWritten !== this.#bytesWritten;
    if (madeRoom) {
      this.#afterMs = Math.max(0, nowMs - blockedSinceMs - sinceMs);
      this.lastMs = nowMs;
    }
    if (!isBlocked) this.#blockedSinceMs = undefined;
    else if (madeRoom || blockedSinceMs === undefined) this.#blockedSinceMs = nowMs;
    this.#bytesWritten = bytesWritten;
    return madeRoom;
  }

  /** The peer answered what it has read so far. What had to wait is part of that once its time in the kernels is over. */
  answered(nowMs: number): void {
    if (nowMs - this.lastMs >= this.inKernelsMs) this.#afterMs = 0;
  }
}
