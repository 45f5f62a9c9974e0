import type { Random } from "../runtime/random.ts";

/**
 * Turns in proportion to weights, spread evenly: earliest deadline first. Each one's period is the inverse of its weight,
 * and its first turn falls at random within the first period, so that many clients, and one client that begins anew at
 * every change, favour nobody (gRFC A58).
 *
 * A tournament of deadlines, in which each match keeps its loser: whose turn it was plays the matches on its way to the top
 * again, one for each halving of their number. Which they are is known beforehand, so that none waits for the one below it.
 */
export class WeightedTurns {
  /** By index. */
  readonly #periods: Float64Array;
  /** By index: when the next turn is. */
  readonly #deadlines: Float64Array;
  /** The index that lost each match; that of match `i` plays match `i >> 1` else. In place of match 0: whose turn it is. */
  readonly #losers: Uint32Array;

  /** `weights`: above 0, and at least one. */
  constructor(weights: Float64Array, random: Random) {
    this.#periods = weights.map((weight) => 1 / weight);
    this.#deadlines = this.#periods.map((period) => random.next() * period);
    this.#losers = this.#playAll();
  }

  /** The index whose turn it is. */
  next(): number {
    const deadlines = this.#deadlines;
    const losers = this.#losers;
    const index = losers[0] as number;
    let winner = index;
    let earliest = (deadlines[index] as number) + (this.#periods[index] as number);
    deadlines[index] = earliest;
    for (let match = (losers.length + index) >> 1; match > 0; match >>= 1) {
      const loser = losers[match] as number;
      const deadline = deadlines[loser] as number;
      if (deadline < earliest) {
        losers[match] = winner;
        winner = loser;
        earliest = deadline;
      }
    }
    losers[0] = winner;
    return index;
  }

  #playAll(): Uint32Array {
    const deadlines = this.#deadlines;
    const count = deadlines.length;
    const losers = new Uint32Array(count);
    // The winner of each match, and behind those who begins: the winner of match 0 is that of match 1.
    const winners = Uint32Array.from({ length: 2 * count }, (_, i) => i - count);
    for (let match = count - 1; match > 0; match--) {
      const one = winners[2 * match] as number;
      const other = winners[2 * match + 1] as number;
      const isFirst = (deadlines[one] as number) <= (deadlines[other] as number);
      winners[match] = isFirst ? one : other;
      losers[match] = isFirst ? other : one;
    }
    losers[0] = winners[1] as number;
    return losers;
  }
}
