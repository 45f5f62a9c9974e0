import type { NumberRange } from "../../../src/base/check.ts";
import type { Chance } from "../fuzz/chance.ts";

/** A plan is JSON: it is written down, sent to another process, and cut. */
export type Json = string | number | boolean | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [name: string]: Json;
}

/** What JSON has no number for. */
export const infinity = "Infinity";

/** Often within what is usual, where most happens; sometimes an end of the range, or anywhere in it. */
export function drawNumber(chance: Chance, range: NumberRange, usual: readonly [number, number]): Json {
  const place = chance.int(1, 20);
  if (place <= 2 && range.infinity !== undefined) return infinity;
  if (place === 3) return range.min;
  if (place === 4) return between(chance, range, [range.min, range.max]);
  return between(chance, range, usual);
}

/** As many small numbers as large ones: each power of ten is as likely as the next. */
function between(chance: Chance, range: NumberRange, [least, most]: readonly [number, number]): number {
  const low = Math.log(Math.max(least, 0.01));
  const high = Math.log(Math.max(most, 0.01));
  const value = Math.exp(low + ((high - low) * chance.int(0, 1_000)) / 1_000);
  const whole = range.integer === true || value > 2 ? Math.round(value) : Math.round(value * 100) / 100;
  return Math.min(Math.max(whole, range.min), range.max);
}

/** The field, with the probability `share`. */
export function some(chance: Chance, share: number, name: string, draw: () => Json): JsonObject {
  return chance.is(share) ? { [name]: draw() } : {};
}
