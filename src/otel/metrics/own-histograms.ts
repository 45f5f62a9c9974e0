import type { Attributes } from "@opentelemetry/api";
import type { Instrument } from "./catalog.ts";
import type { HistogramStore, Series } from "./series.ts";

/** Histograms that glink keeps itself: recording a value is a search of its bucket and an increment. */
export class OwnHistograms implements HistogramStore {
  readonly isReady = true;
  readonly #series = new Map<Instrument, Map<string, OwnSeries>>();

  series(instrument: Instrument, attributes: Attributes): Series {
    let all = this.#series.get(instrument);
    if (all === undefined) {
      all = new Map();
      this.#series.set(instrument, all);
    }
    const key = JSON.stringify(attributes);
    let series = all.get(key);
    if (series === undefined) {
      series = new OwnSeries(instrument.bounds, attributes);
      all.set(key, series);
    }
    return series;
  }

  /** All that has been recorded. */
  *[Symbol.iterator](): Generator<[Instrument, readonly OwnSeries[]]> {
    for (const [instrument, series] of this.#series) yield [instrument, [...series.values()]];
  }
}

/** The values of one histogram that have the same attributes. */
export class OwnSeries implements Series {
  readonly attributes: Attributes;
  readonly bounds: readonly number[];
  /** One more than bounds: the last is of values above all of them. */
  readonly counts: Float64Array;
  count = 0;
  sum = 0;
  min: number = Number.POSITIVE_INFINITY;
  max: number = Number.NEGATIVE_INFINITY;

  constructor(bounds: readonly number[], attributes: Attributes) {
    this.bounds = bounds;
    this.attributes = attributes;
    this.counts = new Float64Array(bounds.length + 1);
  }

  record(value: number): void {
    const bucket = bucketOf(this.bounds, value);
    this.counts[bucket] = (this.counts[bucket] as number) + 1;
    this.count++;
    this.sum += value;
    if (value < this.min) this.min = value;
    if (value > this.max) this.max = value;
  }
}

/** The first bucket whose upper bound is not below the value: bounds are inclusive. */
function bucketOf(bounds: readonly number[], value: number): number {
  let low = 0;
  let high = bounds.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((bounds[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
