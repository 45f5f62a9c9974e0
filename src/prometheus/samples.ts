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
  readonly series: readonly Series[];
}

/** One value of a metric among all that were read: the sum, say, of those of several transports. */
export interface Series extends Sample {
  /** The labels as they are written: in braces. */
  readonly labelsText: string;
}

interface MergedSeries extends Series {
  value: number;
  /** Another one with the same labels. */
  next: MergedSeries | undefined;
}

/**
 * The metrics that have values, in the catalogue's order. Values of the same name and labels are one: those of several
 * transports to one target are added, for a scrape refuses a value that is there twice.
 */
export class Families {
  readonly #families = new Map<MetricName, Metric & { readonly series: MergedSeries[] }>(
    catalog.map((metric) => [metric.name, { ...metric, series: [] }]),
  );
  readonly #rows = new Map<string, Row>();

  add(samples: readonly Sample[]): void {
    for (const { metric, suffix, labels, value } of samples) this.row(labels).add(metric, suffix, value);
  }

  /** Where values with these labels belong. There may be thousands of backends: each looks for its row once. */
  row(labels: Labels): Row {
    const text = textOf(labels);
    let row = this.#rows.get(text);
    if (row === undefined) {
      row = new Row(labels, text, this.#families);
      this.#rows.set(text, row);
    }
    return row;
  }

  all(): Family[] {
    return [...this.#families.values()].filter(({ series }) => series.length > 0);
  }
}

/** All values with the same labels. */
class Row {
  readonly #labels: Labels;
  readonly #labelsText: string;
  readonly #families: ReadonlyMap<MetricName, Metric & { readonly series: MergedSeries[] }>;
  #newest: MergedSeries | undefined;

  constructor(
    labels: Labels,
    labelsText: string,
    families: ReadonlyMap<MetricName, Metric & { readonly series: MergedSeries[] }>,
  ) {
    this.#labels = labels;
    this.#labelsText = labelsText;
    this.#families = families;
  }

  add(metric: MetricName, suffix: Sample["suffix"], value: number): void {
    const family = this.#families.get(metric);
    if (family === undefined) return;
    for (let one = this.#newest; one !== undefined; one = one.next) {
      if (one.metric !== metric || one.suffix !== suffix) continue;
      one.value = merged(family.merge, one.value, value);
      return;
    }
    const labelsText = this.#labelsText;
    this.#newest = { metric, suffix, labels: this.#labels, labelsText, value, next: this.#newest };
    family.series.push(this.#newest);
  }
}

function merged(merge: Metric["merge"], one: number, other: number): number {
  if (merge === "sum") return one + other;
  return merge === "max" ? Math.max(one, other) : Math.min(one, other);
}

function textOf(labels: Labels): string {
  let pairs = "";
  for (const name in labels) pairs += `${pairs === "" ? "" : ","}${name}="${escaped(labels[name] as string)}"`;
  return `{${pairs}}`;
}

function escaped(value: string): string {
  if (!/[\\\n"]/.test(value)) return value;
  return value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}
