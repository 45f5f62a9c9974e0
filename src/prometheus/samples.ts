import { type BackendMetric, BackendRows } from "./backend-rows.ts";
import { catalog, type Metric, type MetricName } from "./catalog.ts";
import { type LabelSet, type Labels, labelSet } from "./labels.ts";

/** One value of one metric. */
export interface Sample {
  /** The name of its metric. */
  readonly metric: MetricName;
  /** What a histogram and a summary write beside their own name. */
  readonly suffix: "" | "_bucket" | "_sum" | "_count";
  /** What sets it apart from others of its metric. */
  readonly labels: Labels;
  /** A count, a sum or a state, in the unit that the name says. */
  readonly value: number;
}

export type Suffix = Sample["suffix"];

/** A metric and its values: at least one. */
export interface Family extends Metric {
  /** Calls `visit` with each value, once for each set of labels. */
  each(visit: (suffix: Suffix, labels: LabelSet, value: number) => void): void;
}

interface MergedSeries {
  readonly metric: MetricName;
  readonly suffix: Suffix;
  readonly labels: LabelSet;
  value: number;
  /** Another one with the same labels. */
  readonly next: MergedSeries | undefined;
}

/**
 * The metrics that have values, in the catalogue's order. Values of the same name and labels are one: those of several
 * transports to one target are added, for a scrape refuses a value that is there twice.
 */
export class Families {
  readonly backends: BackendRows = new BackendRows();
  readonly #series = new Map<MetricName, MergedSeries[]>(catalog.map(({ name }) => [name, []]));
  readonly #merges = new Map<MetricName, Metric["merge"]>(catalog.map(({ name, merge }) => [name, merge]));
  /** By the labels as they are written: the newest series that has them. */
  readonly #newest = new Map<string, MergedSeries>();

  add({ metric, suffix, labels, value }: Sample): void {
    const set = labelSet(labels);
    const newest = this.#newest.get(set.text);
    for (let one = newest; one !== undefined; one = one.next) {
      if (one.metric !== metric || one.suffix !== suffix) continue;
      one.value = merged(this.#merges.get(metric), one.value, value);
      return;
    }
    const series = { metric, suffix, labels: newest?.labels ?? set, value, next: newest };
    this.#newest.set(set.text, series);
    this.#series.get(metric)?.push(series);
  }

  all(): Family[] {
    const families = catalog.map((metric) => ({ ...metric, ...this.#valuesOf(metric.name) }));
    return families.filter(({ count }) => count > 0);
  }

  #valuesOf(name: MetricName): Pick<Family, "each"> & { readonly count: number } {
    const series = this.#series.get(name) as MergedSeries[];
    if (series.length === 0 && this.backends.has(name)) {
      return { count: this.backends.count, each: (visit) => this.backends.each(name as BackendMetric, visit) };
    }
    return {
      count: series.length,
      each(visit) {
        for (const { suffix, labels, value } of series) visit(suffix, labels, value);
      },
    };
  }
}

function merged(merge: Metric["merge"] | undefined, one: number, other: number): number {
  if (merge === "max") return Math.max(one, other);
  return merge === "min" ? Math.min(one, other) : one + other;
}
