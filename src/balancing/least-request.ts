import { checkNames, checkNumber, checkObject } from "../base/check.ts";
import type { Random } from "../runtime/random.ts";
import type { Backend } from "../subchannel/backend.ts";
import { BestOfSome } from "./best-of-some.ts";
import type { Picker, PickInfo } from "./picker.ts";
import { type LoadBalancing, pickFromReady } from "./policy.ts";

/** Options of {@link leastRequest}. */
export interface LeastRequestOptions {
  /** How many random backends are compared. Default 2, from 2 to 10. More flock to the few that are idle. */
  readonly choices?: number;
}

/**
 * Of two random backends the one with fewer open calls, those of streams included until they end: a backend that is slow
 * has more of them open, and so gets fewer. For calls of unequal cost, long streams, and backends of unequal speed.
 *
 * Weights: a backend is drawn, and its open calls are counted, in proportion to its weight. gRFC A48, with two that are
 * never the same one.
 *
 * Throws a TypeError or RangeError that names the option.
 */
export function leastRequest(options: LeastRequestOptions = {}): LoadBalancing {
  checkNames("leastRequest", checkObject("leastRequest", options), ["choices"]);
  const { choices = 2 } = options;
  checkNumber("leastRequest: choices", choices, { min: 2, max: 10, integer: true });
  return pickFromReady("least_request", (ready, _previous, random) => new LeastRequestPicker(ready, choices, random));
}

class LeastRequestPicker implements Picker {
  readonly #ready: readonly Backend[];
  readonly #some: BestOfSome;

  constructor(ready: readonly Backend[], choices: number, random: Random) {
    const costOf = (index: number) => {
      const { openCalls, weight } = ready[index] as Backend;
      return openCalls / weight;
    };
    this.#ready = ready;
    this.#some = new BestOfSome({ ready, choices, costOf, random });
  }

  pick({ tried }: PickInfo): Backend | "queue" {
    const chosen = this.#some.choose(tried);
    return chosen === -1 ? "queue" : (this.#ready[chosen] as Backend);
  }

  roomAgain(backend: Backend): void {
    this.#some.roomAgain(backend);
  }
}
