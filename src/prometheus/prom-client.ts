import { catalog, type Metric } from "./catalog.ts";
import type { Labels } from "./labels.ts";
import type { Family } from "./samples.ts";
import { checkScrape, type Scraped, type ScrapeOptions, scrape } from "./scrape.ts";

/** A metric as prom-client's `Registry` reads it, by its shape: prom-client is no dependency. */
export interface PromClientMetric {
  /** Its name as Prometheus has it: `rpc_client_call_duration_seconds`, say. */
  readonly name: string;
  /** What it counts, in a sentence. */
  readonly help: string;
  /** `counter`, `gauge` or `histogram`. */
  readonly type: Metric["type"];
  /** How prom-client's cluster mode puts those of several processes together. */
  readonly aggregator: "sum" | "max" | "min";
  /** Reads the transports. The registry calls it. */
  get(): Promise<PromClientValues>;
  /** Does nothing: counters are the transport's, and go on. */
  reset(): void;
}

/** What {@link PromClientMetric.get} resolves to. */
export interface PromClientValues {
  /** As {@link PromClientMetric.name}. */
  readonly name: string;
  /** As {@link PromClientMetric.help}. */
  readonly help: string;
  /** As {@link PromClientMetric.type}. */
  readonly type: Metric["type"];
  /** As {@link PromClientMetric.aggregator}. */
  readonly aggregator: "sum" | "max" | "min";
  /** One for each set of labels, and of a histogram one for each bucket. */
  readonly values: readonly {
    /** The name, with `_bucket`, `_sum` or `_count` in a histogram. */
    readonly metricName: string;
    /** What sets it apart from others of its metric. */
    readonly labels: Labels;
    /** A count, a sum or a state, in the unit that the name says. */
    readonly value: number;
  }[];
}

/**
 * The metrics of transports for a registry of prom-client (15): `for (const metric of promClientMetrics([transport]))
 * register.registerMetric(metric)`. They are read as the registry is, once for all of them. Throws a TypeError for
 * arguments that are none.
 */
export function promClientMetrics(transports: readonly Scraped[], options: ScrapeOptions = {}): PromClientMetric[] {
  checkScrape(transports, options);
  let families: ReadonlyMap<string, Family> | undefined;
  const read = () => {
    if (families === undefined) {
      families = new Map(scrape(transports, options).map((family) => [family.name, family]));
      // A registry asks all of its metrics in one turn.
      Promise.resolve().then(() => {
        families = undefined;
      });
    }
    return families;
  };
  return catalog.map(({ name, help, type, merge }) => {
    const metric = { name, help, type, aggregator: merge };
    return {
      ...metric,
      get: async () => ({ ...metric, values: valuesOf(read().get(name)) }),
      reset: () => undefined,
    };
  });
}

function valuesOf(family: Family | undefined): PromClientValues["values"] {
  const values: PromClientValues["values"][number][] = [];
  family?.each((suffix, { labels }, value) => values.push({ metricName: family.name + suffix, labels, value }));
  return values;
}
