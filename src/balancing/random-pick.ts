import type { Random } from "../runtime/random.ts";
import type { Backend } from "../subchannel/backend.ts";
import type { Picker, PickInfo } from "./picker.ts";
import type { LoadBalancing } from "./policy.ts";
import { pickFromReady } from "./policy.ts";
import { ReadyRing } from "./ready-ring.ts";
import { WeightedDice } from "./weighted-dice.ts";

/**
 * A random ready backend for each call, by weight. For many clients each of which makes few calls, and where turns of
 * `roundRobin` could fall in step with the calls: two kinds that alternate, say. Less even than turns.
 */
export function randomPick(): LoadBalancing {
  return pickFromReady("random", (ready, _previous, random) => new RandomPicker(ready, random));
}

/** So many may be drawn that are full, or were tried, before the next one with room is looked for. */
const skippedDraws = 8;

class RandomPicker implements Picker {
  readonly #ring: ReadyRing;
  readonly #dice: WeightedDice;

  constructor(ready: readonly Backend[], random: Random) {
    this.#ring = new ReadyRing(ready);
    this.#dice = WeightedDice.of(ready, random);
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
    let drawn = 0;
    for (let skipped = 0; skipped < skippedDraws && !ring.isFull; skipped++) {
      drawn = this.#dice.draw();
      if (ring.isOpenTo(drawn, tried)) return drawn;
    }
    return ring.next(drawn, tried);
  }
}
