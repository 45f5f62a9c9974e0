/** Each step is two hundredths wide: a percentile is at most so much too high. */
const growth = 1.02;

/** The lowest step ends here, in milliseconds. */
const lowestMs = 0.05;

/** From 50 µs to 20 minutes. */
const steps = 860;

/** Fewer say nothing of a tail. */
const fewest = 100;

/** With so many, each counts half from here on: what another deployment took says nothing of this one. */
const halvedAt = 1_000;

const logGrowth = Math.log(growth);

/** The latencies that calls of one method have shown, the newest five hundred to a thousand of them, as a histogram. */
export class LatencyEstimate {
  readonly #counts = new Float64Array(steps);
  #total = 0;

  /** There are enough of them to say something of a tail. */
  get areKnown(): boolean {
    return this.#total >= fewest;
  }

  record(latencyMs: number): void {
    const step = latencyMs <= lowestMs ? 0 : Math.ceil(Math.log(latencyMs / lowestMs) / logGrowth);
    (this.#counts[Math.min(step, steps - 1)] as number)++;
    this.#total++;
    if (this.#total >= halvedAt) this.#halve();
  }

  /** What `share` of the calls take longer than, in milliseconds. Undefined: too few are known. */
  exceededBy(share: number): number | undefined {
    if (!this.areKnown) return undefined;
    let above = this.#total * share;
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
