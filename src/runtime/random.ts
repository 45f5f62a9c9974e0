/** Chance as a value: tests pass a seeded one. */
export interface Random {
  /** A number in [0, 1). */
  next(): number;
}

/** `Math.random`. */
export function systemRandom(): Random {
  return { next: () => Math.random() };
}

/** `value` changed by up to ± `ratio` of itself, uniformly. `Infinity` stays as it is. */
export function jitter(value: number, ratio: number, random: Random): number {
  return value * (1 + ratio * (2 * random.next() - 1));
}
