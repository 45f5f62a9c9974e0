import { catalog, type Metric, type MetricName } from "./catalog.ts";

/** Labels by name, in the order in which they are written. */
export type Labels = Readonly<Record<string, string>>;

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

/** A metric and its values: at least one. */
export interface Family extends Metric {
  readonly samples: readonly Sample[];
}

/**
 * The metrics that have values, in the catalogue's order. Values of the same name and labels are one: those of several
 * transports to one target are added, for a scrape refuses a value that is there twice.
 */
export function familiesOf(samples: Iterable<Sample>): Family[] {
  const byMetric = new Map<MetricName, Map<string, Sample>>();
  const metrics = new Map(catalog.map((metric) => [metric.name, metric]));
  for (const sample of samples) {
    let family = byMetric.get(sample.metric);
    if (family === undefined) {
      family = new Map();
      byMetric.set(sample.metric, family);
    }
    const key = `${sample.suffix} ${JSON.stringify(sample.labels)}`;
    const known = family.get(key);
    const merge = metrics.get(sample.metric)?.merge ?? "sum";
    family.set(key, known === undefined ? sample : { ...sample, value: merged(merge, known.value, sample.value) });
  }
  return catalog.flatMap((metric) => {
    const family = byMetric.get(metric.name);
    return family === undefined ? [] : [{ ...metric, samples: [...family.values()] }];
  });
}

function merged(merge: Metric["merge"], one: number, other: number): number {
  if (merge === "sum") return one + other;
  return merge === "max" ? Math.max(one, other) : Math.min(one, other);
}
