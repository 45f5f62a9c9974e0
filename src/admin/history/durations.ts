/** Durations below this are counted to the millisecond; above it, each doubling has so many counts: 3 % apart. */
const exactMs = 32;

/** Up to 2^31 ms, which is 24 days: longer ones count as that. */
const countsOfAll = exactMs * (1 + 31 - Math.log2(exactMs));

/** What is remembered is that of so many slices: the youngest of them grows. */
const slices = 6;
const sliceMs = 10_000;

/** How far back durations are remembered. */
export const rememberedMs: number = slices * sliceMs;

interface Slice {
  /** In slices since the clock's origin. */
  readonly number: number;
  readonly counts: Uint32Array;
}

/** The durations of calls in the last minute, in little memory: of each doubling the 32nd part is told apart. */
export class Durations {
  /** The youngest first. */
  #slices: Slice[] = [];

  /** Counts a call that took `ms` and ended at `nowMs`. */
  record(ms: number, nowMs: number): void {
    const { counts } = this.#current(nowMs);
    const place = placeOf(ms);
    counts[place] = (counts[place] as number) + 1;
  }

  /** How long at most that share of them took, from 0 to 1, in milliseconds; undefined where there are none. */
  quantile(share: number, nowMs: number): number | undefined {
    this.#forget(nowMs);
    const total = this.#slices.reduce((sum, { counts }) => sum + counts.reduce((some, one) => some + one, 0), 0);
    if (total === 0) return undefined;
    let left = Math.max(1, Math.ceil(share * total));
    for (let place = 0; place < countsOfAll; place++) {
      for (const { counts } of this.#slices) left -= counts[place] as number;
      if (left <= 0) return longestAt(place);
    }
    return longestAt(countsOfAll - 1);
  }

  #current(nowMs: number): Slice {
    const number = Math.floor(nowMs / sliceMs);
    const youngest = this.#slices[0];
    if (youngest !== undefined && youngest.number === number) return youngest;
    this.#forget(nowMs);
    const slice = { number, counts: new Uint32Array(countsOfAll) };
    this.#slices.unshift(slice);
    return slice;
  }

  #forget(nowMs: number): void {
    const eldest = Math.floor(nowMs / sliceMs) - slices;
    if (this.#slices.some(({ number }) => number <= eldest)) {
      this.#slices = this.#slices.filter(({ number }) => number > eldest);
    }
  }
}

function placeOf(ms: number): number {
  const whole = Math.max(0, Math.min(2 ** 31 - 1, Math.round(ms)));
  if (whole < exactMs) return whole;
  const doublings = Math.floor(Math.log2(whole)) - Math.log2(exactMs);
  return exactMs * doublings + Math.floor(whole / 2 ** doublings);
}

function longestAt(place: number): number {
  const doublings = Math.max(0, Math.floor(place / exactMs) - 1);
  return (place - exactMs * doublings + 1) * 2 ** doublings - 1;
}
