/** Each step is two hundredths wide: a percentile is at most so much too high. */
const growth = 1.02;

/** The lowest step ends here, in milliseconds. */
const lowestMs = 0.05;

/** From 50 µs to 20 minutes. */
const steps = 860;

/** Fewer say nothing of a tail. */
const fewest = 100;

/** With so many, each counts half from here on: the latencies of an hour ago are another service's. */
const halvedAt = 2_000;

/** After so many more, a percentile is looked up anew. */
const staleAfter = 16;

const logGrowth = Math.log(growth);

/** The latencies that calls of one method have shown, the newest thousand or two of them, as a histogram. */
export class LatencyEstimate {
  readonly #counts = new Float64Array(steps);
  #total = 0;
  #sinceLookup = 0;
  #share = 0;
  #percentileMs: number | undefined;

  record(latencyMs: number): void {
    const step = latencyMs <= lowestMs ? 0 : Math.ceil(Math.log(latencyMs / lowestMs) / logGrowth);
    (this.#counts[Math.min(step, steps - 1)] as number)++;
    this.#total++;
    this.#sinceLookup++;
    if (this.#total >= halvedAt) this.#halve();
  }

  /** What `share` of the calls stay below. Undefined: too few are known. */
  percentileMs(share: number): number | undefined {
    if (this.#total < fewest) return undefined;
    if (this.#percentileMs === undefined || this.#sinceLookup >= staleAfter || share !== this.#share) {
      this.#percentileMs = this.#lookUp(share);
      this.#share = share;
      this.#sinceLookup = 0;
    }
    return this.#percentileMs;
  }

  #lookUp(share: number): number {
    let above = this.#total * (1 - share);
    for (let step = steps - 1; step > 0; step--) {
      above -= this.#counts[step] as number;
      if (above < 0) return lowestMs * growth ** step;
    }
    return lowestMs;
  }

  #halve(): void {
    for (let step = 0; step < steps; step++) (this.#counts[step] as number) /= 2;
    this.#total /= 2;
  }
}
