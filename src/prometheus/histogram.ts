/** Counts of values in buckets, and their sum. */
export class Histogram {
  readonly bounds: readonly number[];
  /** Of each bucket alone; the last one is above all bounds. */
  readonly counts: number[];
  sum = 0;

  /** `bounds` ascend. */
  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Array(bounds.length + 1).fill(0);
  }

  record(value: number): void {
    this.sum += value;
    let low = 0;
    let high = this.bounds.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (value <= (this.bounds[middle] as number)) high = middle;
      else low = middle + 1;
    }
    (this.counts[low] as number)++;
  }
}
