import type { Random } from "../runtime/random.ts";
import type { Backend } from "../subchannel/backend.ts";
import type { Pick, Picker, PickInfo } from "./picker.ts";
import { ReadyRing } from "./ready-ring.ts";
import { WeightedTurns } from "./weighted-turns.ts";

/** So many turns in a row may fall to backends that are full, or were tried, before the next one with room is looked for. */
const skippedTurns = 16;

/** What a {@link WeightedPicker} gives turns to. */
export interface WeightedPickerOptions {
  readonly ready: readonly Backend[];
  /** What is picked for each of `ready`: itself, or a pick of it. */
  readonly picks: readonly Pick[];
  /** One for each of `ready`. */
  readonly weights: Float64Array;
  readonly random: Random;
}

/** Ready backends in turn, by weight. A turn that falls to a backend that is full is lost to it. */
export class WeightedPicker implements Picker {
  readonly #ring: ReadyRing;
  readonly #picks: readonly Pick[];
  readonly #random: Random;
  #turns: WeightedTurns;

  constructor({ ready, picks, weights, random }: WeightedPickerOptions) {
    this.#ring = new ReadyRing(ready);
    this.#picks = picks;
    this.#random = random;
    this.#turns = new WeightedTurns(weights, random);
  }

  /** Other weights for the same backends. */
  reweigh(weights: Float64Array): void {
    this.#turns = new WeightedTurns(weights, this.#random);
  }

  pick({ tried }: PickInfo): Pick | "queue" {
    const next = this.#next(tried);
    return next === -1 ? "queue" : (this.#picks[next] as Pick);
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
