import { LatencyEstimate } from "./latency-estimate.ts";

/** Hedges that calls save for those after them at most, and half of what they may take in advance. */
const savedMost = 50;

/** Calls wait as if a tenth of what they may hedge were to be hedged, at least, and twice as much at most. */
const shareFactor = { least: 0.1, most: 2 };

/** After so many more calls or hedges, the wait is looked up anew. */
const staleAfter = 16;

/**
 * How long calls of one method wait for an answer before they are hedged after a percentile. A percentile of the past
 * hedges more calls than it means wherever latencies rise, in a moment of load or for good. So each call brings what it
 * may hedge on average, each hedge takes one, and what is missing or left over is made good by the next calls: they wait
 * for a higher percentile, or for a lower one. While little may be hedged it is the slowest calls that are.
 */
export class PercentileDelay {
  readonly #latencies = new LatencyEstimate();
  /** Hedges that were saved; negative: taken in advance. */
  #balance = 0;
  #sinceLookup = 0;
  #share = 0;
  #delayMs: number | undefined;

  /** A call that may be hedged begins: of such calls `share` are to be. */
  began(share: number): void {
    if (this.#latencies.areKnown) this.#balance = Math.min(savedMost, this.#balance + share);
  }

  /** An attempt was sent beside another one. */
  hedged(): void {
    this.#balance = Math.max(-2 * savedMost, this.#balance - 1);
    this.#sinceLookup++;
  }

  /** A first attempt took so long, or longer. */
  record(latencyMs: number): void {
    this.#latencies.record(latencyMs);
    this.#sinceLookup++;
  }

  /** For `share` of the calls to be hedged. Undefined: too little is known. */
  delayMs(share: number): number | undefined {
    if (this.#delayMs === undefined || this.#sinceLookup >= staleAfter || share !== this.#share) {
      const factor = Math.max(shareFactor.least, Math.min(1 + this.#balance / savedMost, shareFactor.most));
      this.#delayMs = this.#latencies.exceededBy(share * factor);
      this.#share = share;
      this.#sinceLookup = 0;
    }
    return this.#delayMs;
  }
}
