import { type Attributes, type HrTime, ValueType } from "@opentelemetry/api";
import type { Instrument } from "./catalog.ts";
import type { OwnSeries } from "./own-histograms.ts";
import type { Reading } from "./series.ts";

/*
 * The shapes in which OpenTelemetry's SDK for metrics hands collected data to exporters. They are those of its package, of
 * which glink needs nothing else: SDKs 2 and 3 have the same.
 */

/** AggregationTemporality.CUMULATIVE. */
const cumulative = 1;

/** DataPointType. */
const histogram = 0;
const gauge = 2;
const sum = 3;

interface Descriptor {
  readonly name: string;
  readonly description: string;
  readonly unit: string;
  readonly valueType: ValueType;
}

interface DataPoint<T> {
  readonly startTime: HrTime;
  readonly endTime: HrTime;
  readonly attributes: Attributes;
  readonly value: T;
}

interface HistogramValue {
  buckets: { boundaries: number[]; counts: number[] };
  sum: number;
  count: number;
  min: number;
  max: number;
}

/** One metric as it was collected. */
export type CollectedMetric = {
  readonly descriptor: Descriptor;
  readonly aggregationTemporality: typeof cumulative;
} & (
  | { readonly dataPointType: typeof histogram; readonly dataPoints: DataPoint<HistogramValue>[] }
  | { readonly dataPointType: typeof gauge; readonly dataPoints: DataPoint<number>[] }
  | { readonly dataPointType: typeof sum; readonly dataPoints: DataPoint<number>[]; readonly isMonotonic: boolean }
);

/** Since when was counted, and when that was read. */
export interface Interval {
  readonly startTime: HrTime;
  readonly endTime: HrTime;
}

export function histogramMetric(
  instrument: Instrument,
  series: readonly OwnSeries[],
  interval: Interval,
): CollectedMetric {
  const dataPoints = series.map(({ attributes, bounds, counts, count, sum, min, max }) => {
    const buckets = { boundaries: [...bounds], counts: [...counts] };
    return { ...interval, attributes, value: { buckets, count, sum, min, max } };
  });
  return { ...common(instrument), dataPointType: histogram, dataPoints };
}

/** Of a counter, a sum or a gauge. */
export function numberMetric(
  instrument: Instrument,
  readings: readonly Reading[],
  interval: Interval,
): CollectedMetric {
  const { startTime, endTime } = interval;
  const dataPoints = readings.map(({ attributes, value }) => ({ startTime, endTime, attributes, value }));
  if (instrument.kind === "gauge") return { ...common(instrument), dataPointType: gauge, dataPoints };
  return { ...common(instrument), dataPointType: sum, dataPoints, isMonotonic: instrument.kind === "counter" };
}

function common({ name, description, unit }: Instrument) {
  const descriptor = { name, description, unit, valueType: ValueType.DOUBLE };
  return { descriptor, aggregationTemporality: cumulative } as const;
}
