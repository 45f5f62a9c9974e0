import { catalog, type Metric } from "./catalog.ts";
import type { Family, Labels, Sample } from "./samples.ts";
import { checkScrape, type Scraped, type ScrapeOptions, scrape } from "./scrape.ts";

/** A metric as prom-client's `Registry` reads it, by its shape: prom-client is no dependency. */
export interface PromClientMetric {
  readonly name: string;
  readonly help: string;
  readonly type: Metric["type"];
  readonly aggregator: "sum" | "max" | "min";
  get(): Promise<PromClientValues>;
  /** Does nothing: counters are the transport's, and go on. */
  reset(): void;
}

/** What {@link PromClientMetric.get} resolves to. */
export interface PromClientValues {
  readonly name: string;
  readonly help: string;
  readonly type: Metric["type"];
  readonly aggregator: "sum" | "max" | "min";
  readonly values: readonly { readonly metricName: string; readonly labels: Labels; readonly value: number }[];
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
      get: async () => ({ ...metric, values: [...(read().get(name)?.samples.values() ?? [])].map(promValue) }),
      reset: () => undefined,
    };
  });
}

function promValue({ metric, suffix, labels, value }: Sample): PromClientValues["values"][number] {
  return { metricName: metric + suffix, labels, value };
}
