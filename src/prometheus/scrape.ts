import type { GlinkTransport } from "../index.ts";
import type { PrometheusHistograms } from "./histograms.ts";
import { Families, type Family } from "./samples.ts";
import { readSnapshot } from "./snapshot-samples.ts";

/** What can be scraped: a transport, or the view that an instrumentation is given of one. */
export type Scraped = Pick<GlinkTransport, "snapshot">;

/** What is shown beside the counters and gauges of each transport. */
export interface ScrapeOptions {
  /** The histograms that the transports were given as `instrumentation`. Default: none. */
  readonly histograms?: PrometheusHistograms;
  /**
   * `true`: also `glink_backend_…`, with a series for each backend there is. Default false: every rollout would bring new
   * ones, and a server keeps them for long.
   */
  readonly backendLabel?: boolean;
}

/** Reads everything once. */
export function scrape(transports: readonly Scraped[], { histograms, backendLabel = false }: ScrapeOptions): Family[] {
  const families = new Families();
  for (const sample of histograms?.samples() ?? []) families.add(sample);
  for (const transport of transports) readSnapshot(transport.snapshot(), backendLabel, families);
  return families.all();
}

/** Throws a TypeError that says what is wrong. */
export function checkScrape(transports: readonly Scraped[], options: ScrapeOptions): void {
  if (!Array.isArray(transports) || transports.some((one) => typeof one?.snapshot !== "function")) {
    throw new TypeError("transports must be a list of transports, as glinkTransport() makes them");
  }
  if (typeof options !== "object" || options === null) throw new TypeError("options must be an object");
  const { histograms, backendLabel = false } = options;
  if (histograms !== undefined && typeof histograms?.samples !== "function") {
    throw new TypeError("histograms must be what prometheusHistograms() made");
  }
  if (typeof backendLabel !== "boolean") {
    throw new TypeError(`backendLabel must be true or false, not ${String(backendLabel)}`);
  }
}
