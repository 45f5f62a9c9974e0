/**
 * What values taken at equal intervals do: a line from the first to the last of them, whose slope is the median of the slopes
 * between any two (Theil and Sen). A few values that something else disturbed, even at an end, do not turn it; growth that
 * goes on does.
 */
export function growthOf(values: readonly number[]): { readonly from: number; readonly to: number } {
  const slopes: number[] = [];
  for (let later = 1; later < values.length; later++) {
    for (let earlier = 0; earlier < later; earlier++) {
      slopes.push(((values[later] as number) - (values[earlier] as number)) / (later - earlier));
    }
  }
  const slope = median(slopes);
  const start = median(values.map((value, index) => value - slope * index));
  return { from: start, to: start + slope * Math.max(0, values.length - 1) };
}

/** 0 of nothing. */
function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? 0)) / 2;
}
