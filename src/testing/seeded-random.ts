import type { Random } from "../index.ts";
import { checkNumber } from "./check.ts";

/** Chance that is the same in each run of a test: the same numbers for the same `seed`, any integer. */
export function seededRandom(seed: number): Random {
  // mulberry32
  let state = checkNumber("the seed", seed, { min: -(2 ** 53), max: 2 ** 53, integer: true }) >>> 0;
  return {
    next() {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    },
  };
}
