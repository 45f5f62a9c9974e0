/** The value below which the share `q` of an ascending list lies. */
export function quantile(ascending: readonly number[], q: number): number {
  return ascending[Math.min(ascending.length - 1, Math.floor(q * ascending.length))] ?? Number.NaN;
}

/** Median with the range it comes from. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Undefined without values. */
export function spreadOf(values: readonly number[]): Spread | undefined {
  if (values.length === 0) return undefined;
  const ascending = [...values].sort((a, b) => a - b);
  const middle = ascending.length >> 1;
  const upper = ascending[middle] as number;
  const median = ascending.length % 2 === 1 ? upper : (upper + (ascending[middle - 1] as number)) / 2;
  return { median, min: ascending[0] as number, max: ascending.at(-1) as number };
}

/** NaN without values. */
export function medianOf(values: readonly number[]): number {
  return spreadOf(values)?.median ?? Number.NaN;
}
