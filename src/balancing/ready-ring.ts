import type { Backend } from "../subchannel/backend.ts";

/**
 * The backends that a picker chooses from, in a ring: finds the next one that has room. What a call has tried comes last,
 * what is full is passed over.
 */
export class ReadyRing {
  readonly backends: readonly Backend[];
  /**
   * Of a ring in which nobody had room: the indices of those that have some again, in turn. Nobody else can have any, so
   * thousands of waiting calls do not walk around a full ring.
   */
  #roomAgain: Set<number> | undefined;
  #indices: Map<Backend, number> | undefined;

  constructor(backends: readonly Backend[]) {
    this.backends = backends;
  }

  /** Nobody had room, and few have some again: no use in choosing, {@link next} finds them. */
  get isFull(): boolean {
    return this.#roomAgain !== undefined;
  }

  /** Whether the backend can take a call, and did not fail it before. */
  isOpenTo(index: number, tried: readonly Backend[]): boolean {
    const backend = this.backends[index] as Backend;
    return backend.hasRoom && (tried.length === 0 || !tried.includes(backend));
  }

  /**
   * The index of the first from `start` on that has room and was not tried, else of the first that has room. -1: nobody
   * has.
   */
  next(start: number, tried: readonly Backend[]): number {
    if (this.#roomAgain !== undefined) return this.#nextOf(this.#roomAgain, tried);
    const { backends } = this;
    let fallback = -1;
    for (let step = 0, i = start; step < backends.length; step++, i++) {
      if (i >= backends.length) i = 0;
      const backend = backends[i] as Backend;
      if (!backend.hasRoom) continue;
      if (tried.length === 0 || !tried.includes(backend)) return i;
      if (fallback === -1) fallback = i;
    }
    if (fallback === -1) this.#roomAgain = new Set();
    return fallback;
  }

  /** See {@link Picker.roomAgain}. */
  roomAgain(backend: Backend): void {
    if (this.#roomAgain === undefined) return;
    this.#indices ??= new Map(this.backends.map((one, i) => [one, i]));
    const index = this.#indices.get(backend);
    if (index === undefined) return;
    this.#roomAgain.add(index);
    // With many of them the next one that has room is near.
    if (this.#roomAgain.size > this.backends.length / 2) this.#roomAgain = undefined;
  }

  #nextOf(candidates: Set<number>, tried: readonly Backend[]): number {
    let picked = -1;
    for (const index of candidates) {
      const backend = this.backends[index] as Backend;
      if (!backend.hasRoom) {
        candidates.delete(index);
        continue;
      }
      if (picked === -1) picked = index;
      if (tried.includes(backend)) continue;
      picked = index;
      break;
    }
    if (picked === -1) return -1;
    // To the end: it has had its turn.
    candidates.delete(picked);
    candidates.add(picked);
    return picked;
  }
}
