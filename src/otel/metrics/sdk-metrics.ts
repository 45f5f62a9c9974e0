import {
  type Attributes,
  createNoopMeter,
  type Histogram,
  type Meter,
  type MeterProvider,
  metrics,
  ROOT_CONTEXT,
} from "@opentelemetry/api";
import { version } from "../../index.ts";
import { schemaUrl, scopeName } from "../conventions.ts";
import type { Instrument, MetricName } from "./catalog.ts";
import type { Readable } from "./metering.ts";
import { type Observatory, observatoryOf } from "./observatory.ts";
import type { HistogramStore, Series } from "./series.ts";

/** Metrics in the SDK of a meter provider, which may be registered at any time: what was made before would be lost. */
export class SdkMetrics implements HistogramStore {
  readonly #provider: MeterProvider | undefined;
  readonly #readable: Readable;
  readonly #histograms = new Map<MetricName, Histogram>();
  #meter: Meter | undefined;
  /** Who reads the counters; undefined while there is nobody, or nothing to be read. */
  #observatory: Observatory | undefined;

  /** `provider`: undefined is the one that is registered with OpenTelemetry's API. */
  constructor(provider: MeterProvider | undefined, readable: Readable) {
    this.#provider = provider;
    this.#readable = readable;
  }

  get isReady(): boolean {
    return this.#observatory !== undefined || this.#begin();
  }

  series({ name, unit, description, bounds }: Instrument, attributes: Attributes): Series {
    let histogram = this.#histograms.get(name);
    if (histogram === undefined) {
      const advice = { explicitBucketBoundaries: [...bounds] };
      histogram = (this.#meter ?? createNoopMeter()).createHistogram(name, { unit, description, advice });
      this.#histograms.set(name, histogram);
    }
    return new SdkSeries(histogram, attributes);
  }

  rest(): void {
    this.#observatory?.remove(this.#readable);
    this.#observatory = undefined;
  }

  #begin(): boolean {
    const provider = this.#provider ?? metrics.getMeterProvider();
    const meter = provider.getMeter(scopeName, version, { schemaUrl });
    // Nobody has registered an SDK yet.
    if (meter === createNoopMeter()) return false;
    // Another SDK has been registered since the last transport was closed.
    if (meter !== this.#meter) this.#histograms.clear();
    this.#meter = meter;
    this.#observatory = observatoryOf(provider, meter);
    this.#observatory.add(this.#readable);
    return true;
  }
}

class SdkSeries implements Series {
  readonly #histogram: Histogram;
  readonly #attributes: Attributes;

  constructor(histogram: Histogram, attributes: Attributes) {
    this.#histogram = histogram;
    this.#attributes = attributes;
  }

  record(value: number): void {
    // A call ends in no context of its own.
    this.#histogram.record(value, this.#attributes, ROOT_CONTEXT);
  }
}
