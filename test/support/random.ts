import type { Random } from "../../src/runtime/random.ts";

export { seededRandom } from "../../src/testing/seeded-random.ts";

/** Always the same number: 0.5 makes every jitter vanish. */
export function constantRandom(value = 0.5): Random {
  return { next: () => value };
}
