import type { Random } from "../runtime/random.ts";

/**
 * Chance for pickers: whole numbers from a seed of its own (Marsaglia's xorshift, 32 bits). `Math.random` makes an object
 * for each number.
 */
export class Dice {
  #state: number;

  constructor(random: Random) {
    // 0 would stay 0.
    this.#state = 1 + Math.floor(random.next() * 0xfffffffe);
  }

  /** A whole number from 0, below `count`, which is at most 2 ** 32. */
  below(count: number): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state;
    return Math.floor(((state >>> 0) / 2 ** 32) * count);
  }
}
