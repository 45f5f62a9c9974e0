import { AssertionError } from "node:assert";
import type { TestBackend } from "./backends/test-backend.ts";
import { checkFields, checkNumber, described } from "./check.ts";

/** How even is even enough for {@link assertSpread}. */
export interface SpreadOptions {
  /** How far each backend may be from its share, as a part of that: 0.1 is a tenth. One call is never too far. Default 0; 0 to 1. */
  readonly tolerance?: number;
  /** The share of each backend, beside the others', in their order. Default: the same for all. */
  readonly weights?: readonly number[];
}

/**
 * Throws an AssertionError, which lists the calls of each backend, unless all of them got their share of the calls since their start or
 * `resetCounts()`; and a RangeError or TypeError for bad input.
 */
export function assertSpread(
  backends: readonly Pick<TestBackend, "address" | "calls">[],
  options: SpreadOptions = {},
): void {
  if (!Array.isArray(backends))
    throw new TypeError(`assertSpread takes a list of backends, not ${described(backends)}`);
  if (backends.length === 0) throw new RangeError("assertSpread takes one backend or more");
  const given = checkFields("the options of assertSpread", options, ["tolerance", "weights"]);
  const tolerance = checkNumber("tolerance", given.tolerance ?? 0, { min: 0, max: 1 });
  const weights = checkWeights(given.weights, backends.length);
  const total = backends.reduce((sum, { calls }) => sum + calls, 0);
  const sum = weights.reduce((all, weight) => all + weight, 0);
  const shares = weights.map((weight) => (total * weight) / sum);
  const isFair = backends.every(({ calls }, i) => {
    const share = shares[i] as number;
    return Math.abs(calls - share) <= Math.max(tolerance * share, 1);
  });
  if (total > 0 && isFair) return;
  const counts = backends.map(({ address, calls }, i) => `${address}: ${calls} of ${round(shares[i] as number)}`);
  throw new AssertionError({
    message: total === 0 ? "no backend got a call" : `calls are not spread as they should be: ${counts.join(", ")}`,
    actual: backends.map(({ calls }) => calls),
    expected: shares.map(round),
    operator: "assertSpread",
    stackStartFn: assertSpread,
  });
}

function checkWeights(weights: readonly number[] | undefined, length: number): readonly number[] {
  if (weights === undefined) return new Array<number>(length).fill(1);
  if (!Array.isArray(weights) || weights.length !== length)
    throw new RangeError(`weights must be ${length} numbers, one for each backend, and not ${described(weights)}`);
  for (const weight of weights) checkNumber("each of weights", weight, { min: 0, max: Number.MAX_SAFE_INTEGER });
  if (weights.every((weight) => weight === 0)) throw new RangeError("weights must not all be 0");
  return weights;
}

function round(share: number): number {
  return Math.round(share * 10) / 10;
}
