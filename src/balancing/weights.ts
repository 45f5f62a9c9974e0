import type { Backend } from "../subchannel/backend.ts";

/** Whether calls are to be shared equally: the usual case, and the cheaper one. */
export function haveEqualWeights(backends: readonly Backend[]): boolean {
  const first = backends[0]?.weight;
  return backends.every(({ weight }) => weight === first);
}

export function weightsOf(backends: readonly Backend[]): Float64Array {
  return Float64Array.from(backends, ({ weight }) => weight);
}
