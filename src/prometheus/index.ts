export type { MetricName } from "./catalog.ts";
export { type PrometheusHistograms, prometheusHistograms } from "./histograms.ts";
export { type PromClientMetric, type PromClientValues, promClientMetrics } from "./prom-client.ts";
export type { Labels, Sample } from "./samples.ts";
export type { Scraped, ScrapeOptions } from "./scrape.ts";
export { prometheusContentType, prometheusText } from "./text.ts";
