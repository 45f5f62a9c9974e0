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

/** That of a provider; `meter` is the provider's. */
export function observatoryOf(provider: MeterProvider, meter: Meter): Observatory {
  let observatory = observatories.get(provider);
  if (observatory === undefined) {
    observatory = new Observatory(meter);
    observatories.set(provider, observatory);
  }
  return observatory;
}

/** What the collections of one provider observe: the sum of what several have to read. */
export class Observatory {
  readonly #meter: Meter;
  readonly #all = new Set<Readable>();
  /** What those counted that have gone: nothing else is kept of them. */
  readonly #gone = new Sums();
  readonly #observables = new Map<string, Observable>();
  /** Of the last collection, those that go up and down and were not 0. */
  #sums: Reading[] = [];
  readonly #callback = (result: BatchObservableResult) => this.#observe(result);

  constructor(meter: Meter) {
    this.#meter = meter;
  }

  add(readable: Readable): void {
    this.#all.add(readable);
    const before = [...this.#observables.values()];
    for (const instrument of instruments.values()) {
      if (!readable.choice.on.has(instrument.name) || this.#observables.has(instrument.name)) continue;
      const observable = this.#newObservable(instrument);
      if (observable !== undefined) this.#observables.set(instrument.name, observable);
    }
    if (this.#observables.size === before.length) return;
    this.#meter.removeBatchObservableCallback(this.#callback, before);
    this.#meter.addBatchObservableCallback(this.#callback, [...this.#observables.values()]);
  }

  /** Until it is added again. Its counters go on from where they were. */
  remove(readable: Readable): void {
    if (this.#all.delete(readable)) this.#gone.add(readable.handOver());
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
    sums.add(this.#gone);
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
