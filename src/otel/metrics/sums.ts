import type { Attributes } from "@opentelemetry/api";
import { instruments, type MetricName } from "./catalog.ts";
import type { Reading } from "./series.ts";

interface Sum {
  readonly reading: Reading;
  value: number;
}

/** Readings of several transports: those of the same instrument and attributes are one, the sum of them. */
export class Sums {
  readonly #sums = new Map<MetricName, Map<string, Sum>>();

  add(readings: Iterable<Reading>): void {
    for (const reading of readings) {
      const { name, attributes, value } = reading;
      const sums = this.#of(name);
      const key = keyOf(attributes);
      const known = sums.get(key);
      if (known === undefined) sums.set(key, { reading, value });
      // Of several transports the one that is worst off: the list that is oldest, the budget that is lowest.
      else if (name === "glink.resolve.age") known.value = Math.max(known.value, value);
      else if (instruments.get(name)?.kind === "gauge") known.value = Math.min(known.value, value);
      else known.value += value;
    }
  }

  *[Symbol.iterator](): Generator<Reading> {
    for (const sums of this.#sums.values()) {
      for (const { reading, value } of sums.values()) {
        yield { name: reading.name, attributes: reading.attributes, value };
      }
    }
  }

  #of(name: MetricName): Map<string, Sum> {
    let sums = this.#sums.get(name);
    if (sums === undefined) {
      sums = new Map();
      this.#sums.set(name, sums);
    }
    return sums;
  }
}

/** Those of a backend are one object for all of its metrics, which are added up more than once. */
const keys = new WeakMap<Attributes, string>();

function keyOf(attributes: Attributes): string {
  let key = keys.get(attributes);
  if (key === undefined) {
    // The attributes of an instrument are always in one order.
    key = JSON.stringify(attributes);
    keys.set(attributes, key);
  }
  return key;
}
