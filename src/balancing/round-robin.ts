import type { Random } from "../runtime/random.ts";
import type { Backend } from "../subchannel/backend.ts";
import type { Picker, PickInfo } from "./picker.ts";
import type { LoadBalancing } from "./policy.ts";
import { pickFromReady } from "./policy.ts";
import { ReadyRing } from "./ready-ring.ts";
import { WeightedPicker } from "./weighted-picker.ts";
import { haveEqualWeights, weightsOf } from "./weights.ts";

/**
 * Every ready backend in turn, call by call. The default.
 *
 * The start is random, so that many clients do not all begin at the same backend; and a change of the pool goes on
 * after the backend that was served last, so that a rollout does not favour the head of the list. A backend whose
 * MAX_CONCURRENT_STREAMS is used up is skipped while another has room.
 *
 * Backends whose weights differ have turns in proportion to them, spread evenly.
 *
 * Order is the resolver's: `pickFirst` tries backends in it, `roundRobin` does not care.
 */
export function roundRobin(): LoadBalancing {
  return pickFromReady("round_robin", (ready, previous, random) => {
    if (!haveEqualWeights(ready)) {
      return new WeightedPicker({ ready, picks: ready, weights: weightsOf(ready), random });
    }
    return new RoundRobinPicker(ready, previous instanceof RoundRobinPicker ? previous : undefined, random);
  });
}

class RoundRobinPicker implements Picker {
  readonly #ready: readonly Backend[];
  readonly #ring: ReadyRing;
  #last: number;

  constructor(ready: readonly Backend[], previous: RoundRobinPicker | undefined, random: Random) {
    this.#ready = ready;
    this.#ring = new ReadyRing(ready);
    this.#last = previous === undefined ? Math.floor(random.next() * ready.length) : previous.positionIn(ready);
  }

  pick({ tried }: PickInfo): Backend | "queue" {
    const next = this.#ring.next(this.#last + 1, tried);
    if (next === -1) return "queue";
    this.#last = next;
    return this.#ready[next] as Backend;
  }

  roomAgain(backend: Backend): void {
    this.#ring.roomAgain(backend);
  }

  /**
   * The index in `ready` of the backend served last, or of the nearest one before it that is still there. The next
   * pick goes on from it.
   */
  positionIn(ready: readonly Backend[]): number {
    const same = ready.indexOf(this.#ready[this.#last] as Backend);
    if (same !== -1) return same;
    const index = new Map(ready.map((backend, i) => [backend, i]));
    for (let step = 0, i = this.#last; step < this.#ready.length; step++, i--) {
      if (i < 0) i = this.#ready.length - 1;
      const found = index.get(this.#ready[i] as Backend);
      if (found !== undefined) return found;
    }
    return -1;
  }
}
