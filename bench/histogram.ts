/** Buckets of each power of two: what is told of a value is at most 1 / 128 above it. */
const bucketsPerOctave = 128;
const bucketBits = Math.log2(bucketsPerOctave) + 1;

/** How many values fell into each bucket that is not empty. */
export type BucketCounts = readonly (readonly [bucket: number, count: number])[];

/**
 * Where a time of so many whole microseconds falls, below 2^31 of them: one bucket a microsecond up to 256, and then 128 for
 * each doubling. The twin of bucketOf in bench/go/open_loop.go.
 */
export function bucketOf(micros: number): number {
  const shift = Math.max(0, 32 - Math.clz32(micros) - bucketBits);
  return shift * bucketsPerOctave + (micros >>> shift);
}

/** The greatest time that falls into a bucket, in microseconds. */
function highestOf(bucket: number): number {
  const shift = Math.max(0, Math.floor(bucket / bucketsPerOctave) - 1);
  return (bucket - shift * bucketsPerOctave + 1) * 2 ** shift - 1;
}

/** Times, however many, in constant memory: neither a list nor sorting it disturbs what is measured. */
export class Histogram {
  readonly #counts: number[] = [];

  /** `ms` may lie a little below 0, where clocks differ in their digits. */
  record(ms: number): void {
    const bucket = bucketOf(Math.max(0, Math.round(ms * 1_000)));
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
  }

  counts(): BucketCounts {
    return this.#counts.flatMap((count, bucket) => [[bucket, count] as const]);
  }
}

/** The time in milliseconds that the share `q` of all values does not exceed: never less, and at most 1 / 128 more. */
export function quantileOf(counts: BucketCounts, q: number): number {
  const wanted = q * counts.reduce((sum, [, count]) => sum + count, 0);
  let seen = 0;
  for (const [bucket, count] of counts) {
    seen += count;
    if (seen >= wanted) return highestOf(bucket) / 1_000;
  }
  return Number.NaN;
}
