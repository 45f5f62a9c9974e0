import type { BatchObservableResult, Meter, MeterProvider, Observable } from "@opentelemetry/api";
import { type Instrument, instruments } from "./catalog.ts";
import type { Readable } from "./metering.ts";
import type { Reading } from "./series.ts";
import { Sums } from "./sums.ts";

/**
 * Of a meter provider, because its collection keeps the last of several values that are observed with the same attributes,
 * and two transports to one target have the same. What has to be added up is so in one place, whoever made the transports.
 */
const observatories = new WeakMap<MeterProvider, Observatory>();

/** Adds what `readable` has to what the provider's collections observe. */
export function observe(provider: MeterProvider, meter: Meter, readable: Readable): void {
  let observatory = observatories.get(provider);
  if (observatory === undefined) {
    observatory = new Observatory(meter);
    observatories.set(provider, observatory);
  }
  observatory.add(readable);
}

class Observatory {
  readonly #meter: Meter;
  readonly #all: Readable[] = [];
  readonly #observables = new Map<string, Observable>();
  /** Of the last collection, those that go up and down and were not 0. */
  #sums: Reading[] = [];
  readonly #callback = (result: BatchObservableResult) => this.#observe(result);

  constructor(meter: Meter) {
    this.#meter = meter;
  }

  add(readable: Readable): void {
    this.#all.push(readable);
    const before = [...this.#observables.values()];
    for (const instrument of instruments.values()) {
      if (!readable.choice.on.has(instrument.name) || this.#observables.has(instrument.name)) continue;
      const observable = this.#newObservable(instrument);
      if (observable !== undefined) this.#observables.set(instrument.name, observable);
    }
    this.#meter.removeBatchObservableCallback(this.#callback, before);
    this.#meter.addBatchObservableCallback(this.#callback, [...this.#observables.values()]);
  }

  #newObservable({ name, kind, unit, description }: Instrument): Observable | undefined {
    switch (kind) {
      case "counter":
        return this.#meter.createObservableCounter(name, { unit, description });
      case "sum":
        return this.#meter.createObservableUpDownCounter(name, { unit, description });
      case "gauge":
        return this.#meter.createObservableGauge(name, { unit, description });
      case "histogram":
        return undefined;
    }
  }

  #observe(result: BatchObservableResult): void {
    const sums = new Sums();
    for (const readable of this.#all) sums.add(readable.readings());
    // The SDK goes on with the last value of what is no longer observed: of what has gone, that has to be none.
    sums.add(this.#sums.map((reading) => ({ ...reading, value: 0 })));
    this.#sums = [];
    for (const reading of sums) {
      const { name, value, attributes } = reading;
      const observable = this.#observables.get(name);
      if (observable !== undefined) result.observe(observable, value, attributes);
      if (value !== 0 && instruments.get(name)?.kind === "sum") this.#sums.push(reading);
    }
  }
}
