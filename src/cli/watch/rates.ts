import type { PoolView } from "./pool-view.ts";

/** Counts of one look, by what they are of. */
type Counts = ReadonlyMap<string, number>;

/** How fast counts grow, between one look and the next. */
export class Rates {
  #before: { readonly atMs: number; readonly counts: Counts } | undefined;
  #perSecond = new Map<string, number>();

  /** Takes the next look. */
  note(pools: readonly PoolView[]): void {
    const atMs = Math.max(0, ...pools.map(({ takenAtMs }) => takenAtMs));
    const counts = new Map(
      pools.flatMap((pool, i) => pool.backends.map((one) => [keyOf(i, one.address), one.callsStarted] as const)),
    );
    const before = this.#before;
    if (before !== undefined && atMs <= before.atMs) return;
    this.#perSecond = new Map();
    for (const [key, value] of counts) {
      const earlier = before?.counts.get(key);
      // A backend that came back counts from 0 again.
      if (before === undefined || earlier === undefined || value < earlier) continue;
      this.#perSecond.set(key, ((value - earlier) * 1_000) / (atMs - before.atMs));
    }
    this.#before = { atMs, counts };
  }

  /** Of a backend, by the place of its pool in the list; undefined: there was no earlier look. */
  of(poolIndex: number, address: string): number | undefined {
    return this.#perSecond.get(keyOf(poolIndex, address));
  }
}

function keyOf(poolIndex: number, address: string): string {
  return `${poolIndex} ${address}`;
}
