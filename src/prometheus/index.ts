export type { MetricName } from "./catalog.ts";
export { type PrometheusHistograms, prometheusHistograms } from "./histograms.ts";
export type { Labels } from "./labels.ts";
export { type PromClientMetric, type PromClientValues, promClientMetrics } from "./prom-client.ts";
export type { Sample } from "./samples.ts";
export type { Scraped, ScrapeOptions } from "./scrape.ts";
export { prometheusContentType, prometheusText } from "./text.ts";
