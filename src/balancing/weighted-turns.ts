import type { Random } from "../runtime/random.ts";

/**
 * Turns in proportion to weights, spread evenly: earliest deadline first. Each one's period is the inverse of its weight,
 * and its first turn falls at random within the first period, so that many clients, and one client that begins anew at
 * every change, favour nobody (gRFC A58).
 *
 * A heap of deadlines, kept apart from the indices that they belong to: a turn costs the logarithm of their number.
 */
export class WeightedTurns {
  /** By index. */
  readonly #periods: Float64Array;
  /** The heap: the earliest is first, and of `i` those below it are the four from `4i + 1` on, a cache line at once. */
  readonly #deadlines: Float64Array;
  /** Whose deadline each of the heap is. */
  readonly #indices: Uint32Array;

  /** `weights`: above 0. */
  constructor(weights: Float64Array, random: Random) {
    const count = weights.length;
    this.#periods = new Float64Array(count);
    this.#deadlines = new Float64Array(count);
    this.#indices = new Uint32Array(count);
    for (let i = 0; i < count; i++) {
      const period = 1 / (weights[i] as number);
      this.#periods[i] = period;
      this.#deadlines[i] = random.next() * period;
      this.#indices[i] = i;
    }
    for (let i = (count - 2) >> 2; i >= 0; i--) this.#sink(i, this.#deadlines[i] as number, this.#indices[i] as number);
  }

  /** The index whose turn it is. */
  next(): number {
    const index = this.#indices[0] as number;
    this.#sink(0, (this.#deadlines[0] as number) + (this.#periods[index] as number), index);
    return index;
  }

  /** Puts a deadline where it belongs: at `hole`, or further down. */
  #sink(hole: number, deadline: number, index: number): void {
    const deadlines = this.#deadlines;
    const indices = this.#indices;
    const count = deadlines.length;
    let at = hole;
    for (;;) {
      const first = 4 * at + 1;
      if (first >= count) break;
      let below = first;
      const end = first + 4 < count ? first + 4 : count;
      for (let i = first + 1; i < end; i++) {
        if ((deadlines[i] as number) < (deadlines[below] as number)) below = i;
      }
      if (deadline <= (deadlines[below] as number)) break;
      deadlines[at] = deadlines[below] as number;
      indices[at] = indices[below] as number;
      at = below;
    }
    deadlines[at] = deadline;
    indices[at] = index;
  }
}
