import type { Random } from "../runtime/random.ts";
import type { Backend } from "../subchannel/backend.ts";
import { Dice } from "./dice.ts";
import { haveEqualWeights, weightsOf } from "./weights.ts";

/** So finely chances are divided. */
const fine = 2 ** 30;

/**
 * Draws indices at random, in proportion to weights, at one price for however many: Walker's alias method. Each index has
 * an equal part of the chances; what its weight does not fill of it goes to an alias.
 */
export class WeightedDice {
  readonly #dice: Dice;
  readonly #count: number;
  /** How much of each index' part is its own, of {@link fine}; undefined: all of it, for all weights are equal. */
  readonly #own: Uint32Array | undefined;
  readonly #aliases: Uint32Array | undefined;

  /** `weights`: above 0; undefined: all are equal. */
  constructor(count: number, weights: Float64Array | undefined, random: Random) {
    this.#dice = new Dice(random);
    this.#count = count;
    if (weights === undefined) return;
    this.#own = new Uint32Array(count).fill(fine);
    this.#aliases = new Uint32Array(count);
    this.#fill(weights, this.#own, this.#aliases);
  }

  /** For backends: by weight where their weights differ. */
  static of(backends: readonly Backend[], random: Random): WeightedDice {
    const weights = haveEqualWeights(backends) ? undefined : weightsOf(backends);
    return new WeightedDice(backends.length, weights, random);
  }

  draw(): number {
    const index = this.#dice.below(this.#count);
    if (this.#own === undefined || this.#aliases === undefined) return index;
    return this.#dice.below(fine) < (this.#own[index] as number) ? index : (this.#aliases[index] as number);
  }

  /** Another one than `index`, where there is one. */
  drawOther(index: number): number {
    const drawn = this.draw();
    if (drawn !== index || this.#count === 1) return drawn;
    return (index + 1 + this.#dice.below(this.#count - 1)) % this.#count;
  }

  #fill(weights: Float64Array, own: Uint32Array, aliases: Uint32Array): void {
    const mean = weights.reduce((sum, weight) => sum + weight, 0) / weights.length;
    const parts = weights.map((weight) => weight / mean);
    const small: number[] = [];
    const large: number[] = [];
    for (const [i, part] of parts.entries()) (part < 1 ? small : large).push(i);
    while (small.length > 0 && large.length > 0) {
      const lesser = small.pop() as number;
      const greater = large.at(-1) as number;
      const part = parts[lesser] as number;
      own[lesser] = Math.round(part * fine);
      aliases[lesser] = greater;
      // What is left of the greater one when the lesser one's part is full.
      parts[greater] = (parts[greater] as number) - (1 - part);
      if ((parts[greater] as number) < 1) small.push(large.pop() as number);
    }
  }
}
