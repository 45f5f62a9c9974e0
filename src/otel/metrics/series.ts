import type { Attributes } from "@opentelemetry/api";
import type { Instrument, MetricName } from "./catalog.ts";

/** The values of one histogram that have the same attributes. */
export interface Series {
  record(value: number): void;
}

/** Where histograms are kept: OpenTelemetry's SDK, or glink itself. */
export interface HistogramStore {
  /** False while there is nobody to keep them. */
  readonly isReady: boolean;
  /** The attributes are of one set of names for each instrument, and are not changed. */
  series(instrument: Instrument, attributes: Attributes): Series;
  /** The last transport was closed: who is kept for its counters need not be. Another one may come. */
  rest?(): void;
}

/** A counter or a gauge at one moment. */
export interface Reading {
  readonly name: MetricName;
  readonly attributes: Attributes;
  readonly value: number;
}
