export type { Convention } from "./conventions.ts";
export { type CollectedMetrics, type GlinkMetricProducer, metricProducer } from "./metric-producer.ts";
export type { MetricName } from "./metrics/catalog.ts";
export type { OptionalLabel } from "./metrics/choice.ts";
export type { CollectedMetric } from "./metrics/metric-data.ts";
export { openTelemetry } from "./open-telemetry.ts";
export type { MetricOptions, OpenTelemetryOptions } from "./options.ts";
export { grpcTraceBin } from "./tracing/grpc-trace-bin.ts";
export type { AttemptSpans } from "./tracing/tracing-parts.ts";
