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

/** A metric and its values: at least one, each by its series: what is written after the metric's name. */
export interface Family extends Metric {
  readonly samples: ReadonlyMap<string, Sample>;
}

/**
 * The metrics that have values, in the catalogue's order. Values of the same name and labels are one: those of several
 * transports to one target are added, for a scrape refuses a value that is there twice.
 */
export class Families {
  readonly #families = new Map<MetricName, Metric & { readonly samples: Map<string, Sample> }>(
    catalog.map((metric) => [metric.name, { ...metric, samples: new Map() }]),
  );
  readonly #labels = new LabelTexts();

  add(samples: readonly Sample[]): void {
    for (const sample of samples) {
      const family = this.#families.get(sample.metric);
      if (family === undefined) continue;
      const series = sample.suffix + this.#labels.of(sample.labels);
      const known = family.samples.get(series);
      const value = known === undefined ? sample.value : merged(family.merge, known.value, sample.value);
      family.samples.set(series, known === undefined ? sample : { ...sample, value });
    }
  }

  all(): Family[] {
    return [...this.#families.values()].filter(({ samples }) => samples.size > 0);
  }
}

function merged(merge: Metric["merge"], one: number, other: number): number {
  if (merge === "sum") return one + other;
  return merge === "max" ? Math.max(one, other) : Math.min(one, other);
}

/** Labels as they are written. Those of a backend are one object for all of its metrics, and are written once. */
class LabelTexts {
  readonly #texts = new Map<Labels, string>();

  of(labels: Labels): string {
    let text = this.#texts.get(labels);
    if (text === undefined) {
      let pairs = "";
      for (const name in labels) pairs += `${pairs === "" ? "" : ","}${name}="${escaped(labels[name] as string)}"`;
      text = `{${pairs}}`;
      this.#texts.set(labels, text);
    }
    return text;
  }
}

function escaped(value: string): string {
  if (!/[\\\n"]/.test(value)) return value;
  return value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}
