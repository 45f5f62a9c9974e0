/** Colours that a drawing has for single backends. */
export const slotCount = 10;

/** Gives backends their colours, and leaves each its own for as long as it is drawn. */
export class Slots {
  readonly #taken = new Map<string, number>();

  /** The colour of each address, from 0; those beyond `slotCount` have none. */
  assign(addresses: Iterable<string>): ReadonlyMap<string, number> {
    const drawn = new Set(addresses);
    for (const address of this.#taken.keys()) if (!drawn.has(address)) this.#taken.delete(address);
    const free = [...Array(slotCount).keys()].filter((slot) => ![...this.#taken.values()].includes(slot));
    for (const address of drawn) {
      const slot = this.#taken.has(address) ? undefined : free.shift();
      if (slot !== undefined) this.#taken.set(address, slot);
    }
    return this.#taken;
  }
}
