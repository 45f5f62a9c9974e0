import type { HrTime } from "@opentelemetry/api";
import { type Instrumentation, version } from "../index.ts";
import { schemaUrl, scopeName } from "./conventions.ts";
import { type Instrument, instruments } from "./metrics/catalog.ts";
import { Metering } from "./metrics/metering.ts";
import { type CollectedMetric, histogramMetric, numberMetric } from "./metrics/metric-data.ts";
import { OwnHistograms } from "./metrics/own-histograms.ts";
import type { Reading } from "./metrics/series.ts";
import { checkMetricOptions, type MetricOptions } from "./options.ts";

/** What the SDK's metric readers collect from. */
export interface GlinkMetricProducer extends Instrumentation {
  /** Everything that was measured so far, cumulative. Readers call it. */
  collect(): Promise<CollectedMetrics>;
}

/** A collection, as OpenTelemetry's SDK for metrics takes it. */
export interface CollectedMetrics {
  /** What was measured. */
  readonly resourceMetrics: {
    /** The reader's own is used. Whatever type the SDK wants here has this value. */
    readonly resource: never;
    readonly scopeMetrics: {
      readonly scope: { readonly name: string; readonly version: string; readonly schemaUrl: string };
      readonly metrics: CollectedMetric[];
    }[];
  };
  /** Always empty: nothing here can fail. */
  readonly errors: unknown[];
}

/**
 * Measures calls without the SDK, which takes a microsecond and more for each value: glink keeps the histograms, and the
 * SDK's reader collects them. All metrics are on by default. It is both: the option `instrumentation` of transports, beside
 * `openTelemetry({ meterProvider: false })`, and one of the `metricProducers` of a PeriodicExportingMetricReader or a
 * PrometheusExporter. Views of the SDK do not apply, and the temporality is cumulative. Throws a TypeError for a bad option.
 *
 * `now`: the wall clock, in milliseconds.
 */
export function metricProducer(options: MetricOptions = {}, now: () => number = Date.now): GlinkMetricProducer {
  const { choice, filter } = checkMetricOptions(options);
  const histograms = new OwnHistograms();
  const metering = new Metering(choice, () => histograms);
  const startTime = hrTime(now());
  const collect = (): CollectedMetrics => {
    const interval = { startTime, endTime: hrTime(now()) };
    const metrics = [...histograms].map(([instrument, series]) => histogramMetric(instrument, series, interval));
    for (const [instrument, readings] of byInstrument(metering.readings())) {
      metrics.push(numberMetric(instrument, readings, interval));
    }
    const scopeMetrics = metrics.length === 0 ? [] : [{ scope: { name: scopeName, version, schemaUrl }, metrics }];
    return { resourceMetrics: { resource: undefined as never, scopeMetrics }, errors: [] };
  };
  return {
    attach: (view) => metering.attach(view),
    callStarted: (call) => (filter === undefined || filter(call) ? metering.callStarted(call) : undefined),
    collect: async () => collect(),
  };
}

function byInstrument(readings: Iterable<Reading>): Map<Instrument, Reading[]> {
  const groups = new Map<Instrument, Reading[]>();
  for (const reading of readings) {
    const instrument = instruments.get(reading.name) as Instrument;
    const group = groups.get(instrument);
    if (group === undefined) groups.set(instrument, [reading]);
    else group.push(reading);
  }
  return groups;
}

/** Seconds and nanoseconds. */
function hrTime(ms: number): HrTime {
  return [Math.floor(ms / 1_000), Math.round((ms % 1_000) * 1_000_000)];
}
