import { instruments } from "./catalog.ts";
import type { Reading } from "./series.ts";

/** Readings of several transports: those of the same instrument and attributes are one, the sum of them. */
export class Sums {
  readonly #sums = new Map<string, { readonly reading: Reading; value: number }>();

  add(readings: Iterable<Reading>): void {
    for (const reading of readings) {
      // The attributes of an instrument are always in one order.
      const key = `${reading.name} ${JSON.stringify(reading.attributes)}`;
      const known = this.#sums.get(key);
      if (known === undefined) this.#sums.set(key, { reading, value: reading.value });
      // Of several transports the one that is worst off: the list that is oldest, the budget that is lowest.
      else if (reading.name === "glink.resolve.age") known.value = Math.max(known.value, reading.value);
      else if (instruments.get(reading.name)?.kind === "gauge") known.value = Math.min(known.value, reading.value);
      else known.value += reading.value;
    }
  }

  *[Symbol.iterator](): Generator<Reading> {
    for (const { reading, value } of this.#sums.values()) yield { ...reading, value };
  }
}
