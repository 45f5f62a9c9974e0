import type { FailurePercentageOptions, SuccessRateOptions } from "./outlier-options.ts";

/** What the calls to one backend came to in one interval. */
export interface IntervalCounts {
  readonly answers: number;
  readonly faults: number;
}

/**
 * A run of faults that is less likely than this by what the others' calls come to is no chance. Five in a row are that
 * unlikely where fewer than one call in sixteen fails.
 */
const chance = 1e-6;

/**
 * Whether a run of `faults` at one backend sets it apart from the `others`, since it began. Where everything fails, or
 * nothing is known of others because few calls are made, no run does. Their share of faults is estimated by Jeffreys' rule:
 * with one call more than there were, half of which failed.
 */
export function isExceptional(faults: number, others: IntervalCounts): boolean {
  const share = (others.faults + 0.5) / (others.answers + others.faults + 1);
  // A longer run says no more than what is known of the others.
  return share ** Math.min(faults, volumeOf(others)) < chance;
}

/** Success rates from which a backend is an outlier are below this; undefined where too few backends had calls. gRFC A50. */
export function successRateLimit(all: readonly IntervalCounts[], options: SuccessRateOptions): number | undefined {
  const { requestVolume, minimumHosts, stdevFactor } = options;
  const rates = all.filter((counts) => volumeOf(counts) >= requestVolume).map(successRateOf);
  if (rates.length === 0 || rates.length < minimumHosts) return undefined;
  const mean = rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
  const variance = rates.reduce((sum, rate) => sum + (rate - mean) ** 2, 0) / rates.length;
  return mean - Math.sqrt(variance) * (stdevFactor / 1_000);
}

/** Whether the backend had calls enough, and succeeded with fewer of them than the limit says. */
export function isBelowRate(counts: IntervalCounts, limit: number, { requestVolume }: SuccessRateOptions): boolean {
  return volumeOf(counts) >= requestVolume && successRateOf(counts) < limit;
}

/** Whether enough backends had calls enough for their failures to be looked at. gRFC A50. */
export function hasVolume(all: readonly IntervalCounts[], options: FailurePercentageOptions): boolean {
  const { requestVolume, minimumHosts } = options;
  return all.filter((counts) => volumeOf(counts) >= requestVolume).length >= minimumHosts;
}

/** Whether the backend had calls enough, and more of them failed than the threshold says. */
export function isAboveFailures(counts: IntervalCounts, options: FailurePercentageOptions): boolean {
  const volume = volumeOf(counts);
  return volume > 0 && volume >= options.requestVolume && (counts.faults * 100) / volume > options.threshold;
}

function volumeOf({ answers, faults }: IntervalCounts): number {
  return answers + faults;
}

function successRateOf(counts: IntervalCounts): number {
  return volumeOf(counts) === 0 ? 1 : counts.answers / volumeOf(counts);
}
