import { seededRandom } from "../test/support/random.ts";

/** When calls are due that nobody paces: at random, so many a second on average. */
export interface Arrivals {
  readonly perSecond: number;
  readonly count: number;
  /** The same moments for the same seed, in every client. */
  readonly seed: number;
}

/** Milliseconds from the beginning, ascending: a Poisson process. The twin of `arrivals` in bench/go/open_loop.go. */
export function* arrivalTimes({ perSecond, count, seed }: Arrivals): Generator<number, undefined> {
  const random = seededRandom(seed);
  let atMs = 0;
  for (let i = 0; i < count; i++) {
    atMs += (-Math.log(1 - random.next()) * 1_000) / perSecond;
    yield atMs;
  }
}
