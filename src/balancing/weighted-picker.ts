import type { Random } from "../runtime/random.ts";
import type { Backend } from "../subchannel/backend.ts";
import type { Picker, PickInfo } from "./picker.ts";
import { ReadyRing } from "./ready-ring.ts";
import { WeightedTurns } from "./weighted-turns.ts";

/** So many turns in a row may fall to backends that are full, or were tried, before the next one with room is looked for. */
const skippedTurns = 16;

/** Ready backends in turn, by weight. A turn that falls to a backend that is full is lost to it. */
export class WeightedPicker implements Picker {
  readonly #ring: ReadyRing;
  #turns: WeightedTurns;

  /** `weights`: one for each of `ready`. */
  constructor(ready: readonly Backend[], weights: Float64Array, random: Random) {
    this.#ring = new ReadyRing(ready);
    this.#turns = new WeightedTurns(weights, random);
  }

  /** Other weights for the same backends. */
  reweigh(weights: Float64Array, random: Random): void {
    this.#turns = new WeightedTurns(weights, random);
  }

  pick({ tried }: PickInfo): Backend | "queue" {
    const next = this.#next(tried);
    return next === -1 ? "queue" : (this.#ring.backends[next] as Backend);
  }

  roomAgain(backend: Backend): void {
    this.#ring.roomAgain(backend);
  }

  #next(tried: readonly Backend[]): number {
    const ring = this.#ring;
    let turn = 0;
    for (let skipped = 0; skipped < skippedTurns && !ring.isFull; skipped++) {
      turn = this.#turns.next();
      if (ring.isOpenTo(turn, tried)) return turn;
    }
    return ring.next(turn, tried);
  }
}
