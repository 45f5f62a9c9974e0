import type { Random } from "../runtime/random.ts";
import type { Backend } from "../subchannel/backend.ts";
import type { Picker, PickInfo } from "./picker.ts";
import { type LoadBalancing, pickFromReady } from "./policy.ts";

/**
 * Every ready backend in turn, call by call. The default.
 *
 * The start is random, so that many clients do not all begin at the same backend; and a change of the pool goes on
 * after the backend that was served last, so that a rollout does not favour the head of the list. A backend whose
 * MAX_CONCURRENT_STREAMS is used up is skipped while another has room.
 *
 * Order is the resolver's: `pickFirst` tries backends in it, `roundRobin` does not care.
 */
export function roundRobin(): LoadBalancing {
  return pickFromReady(
    "round_robin",
    (ready, previous, random) =>
      new RoundRobinPicker(ready, previous instanceof RoundRobinPicker ? previous : undefined, random),
  );
}

class RoundRobinPicker implements Picker {
  readonly #ready: readonly Backend[];
  #last: number;
  /**
   * Of a ring in which nobody had room: those that have some again, in turn. Nobody else can have any, so thousands of
   * waiting calls do not walk around a full ring.
   */
  #roomAgain: Set<Backend> | undefined;

  constructor(ready: readonly Backend[], previous: RoundRobinPicker | undefined, random: Random) {
    this.#ready = ready;
    this.#last = previous === undefined ? Math.floor(random.next() * ready.length) : previous.positionIn(ready);
  }

  pick({ tried }: PickInfo): Backend | "queue" {
    return this.#roomAgain === undefined ? this.#pickInRing(tried) : this.#pickAgain(tried, this.#roomAgain);
  }

  roomAgain(backend: Backend): void {
    if (this.#roomAgain === undefined) return;
    this.#roomAgain.add(backend);
    // With many of them the next one that has room is near.
    if (this.#roomAgain.size > this.#ready.length / 2) this.#roomAgain = undefined;
  }

  #pickInRing(tried: readonly Backend[]): Backend | "queue" {
    const ready = this.#ready;
    let fallback = -1;
    for (let step = 1, i = this.#last + 1; step <= ready.length; step++, i++) {
      if (i >= ready.length) i = 0;
      const backend = ready[i] as Backend;
      if (!backend.hasRoom) continue;
      if (tried.length > 0 && tried.includes(backend)) {
        if (fallback === -1) fallback = i;
        continue;
      }
      this.#last = i;
      return backend;
    }
    if (fallback === -1) {
      this.#roomAgain = new Set();
      return "queue";
    }
    this.#last = fallback;
    return ready[fallback] as Backend;
  }

  #pickAgain(tried: readonly Backend[], candidates: Set<Backend>): Backend | "queue" {
    let picked: Backend | undefined;
    for (const backend of candidates) {
      if (!backend.hasRoom) {
        candidates.delete(backend);
        continue;
      }
      picked ??= backend;
      if (tried.includes(backend)) continue;
      picked = backend;
      break;
    }
    if (picked === undefined) return "queue";
    // To the end: it has had its turn.
    candidates.delete(picked);
    candidates.add(picked);
    return picked;
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
