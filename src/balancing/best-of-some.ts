import type { Random } from "../runtime/random.ts";
import type { Backend } from "../subchannel/backend.ts";
import { ReadyRing } from "./ready-ring.ts";
import { WeightedDice } from "./weighted-dice.ts";

/** What a {@link BestOfSome} chooses from, and how. */
export interface BestOfSomeOptions {
  readonly ready: readonly Backend[];
  /** How many are compared. */
  readonly choices: number;
  /** What a call to the backend with this index would cost: the lowest is chosen. */
  readonly costOf: (index: number) => number;
  readonly random: Random;
}

/** So many more may be drawn than are compared, because they are full or were tried. */
const skippedDraws = 6;

/**
 * Draws some backends at random, by weight, and chooses the one that costs least; among equals the one drawn first. Two
 * are enough for most of the good that comparing all would do, and clients that all know the same do not all go to the
 * same.
 */
export class BestOfSome {
  readonly #ring: ReadyRing;
  readonly #dice: WeightedDice;
  readonly #choices: number;
  readonly #costOf: (index: number) => number;

  constructor({ ready, choices, costOf, random }: BestOfSomeOptions) {
    this.#ring = new ReadyRing(ready);
    this.#dice = WeightedDice.of(ready, random);
    this.#choices = Math.min(choices, ready.length);
    this.#costOf = costOf;
  }

  /** The index of a backend with room, one that was not tried where there is one. -1: nobody has room. */
  choose(tried: readonly Backend[]): number {
    const ring = this.#ring;
    const choices = this.#choices;
    if (ring.isFull) return ring.next(0, tried);
    let drawn = this.#dice.draw();
    let best = -1;
    let bestCost = Number.POSITIVE_INFINITY;
    for (let draws = 1, compared = 0; draws < choices + skippedDraws; draws++) {
      if (drawn !== best && ring.isOpenTo(drawn, tried)) {
        const cost = this.#costOf(drawn);
        if (best === -1 || cost < bestCost) {
          best = drawn;
          bestCost = cost;
        }
        if (++compared === choices) break;
      }
      drawn = this.#dice.drawOther(best === -1 ? drawn : best);
    }
    return best === -1 ? ring.next(drawn, tried) : best;
  }

  roomAgain(backend: Backend): void {
    this.#ring.roomAgain(backend);
  }
}
