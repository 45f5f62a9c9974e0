import { jitter, type Random } from "./random.ts";

/** An exponential curve of waits, as gRPC's connection-backoff.md and gRFC A6 describe it. */
export interface BackoffOptions {
  /** The first wait, in milliseconds. */
  readonly initialBackoffMs: number;
  /** What each further wait is multiplied by. 1 or more. */
  readonly multiplier: number;
  /** Each wait is changed by up to ± this share of itself. 0 to 1. */
  readonly jitter: number;
  /** No wait is longer than this before jitter, in milliseconds. */
  readonly maxBackoffMs: number;
}

/** The wait before try number `failures + 1`, after `failures` (1 or more) failed ones in a row. */
export function backoffDelayMs(options: BackoffOptions, failures: number, random: Random): number {
  const grown = options.initialBackoffMs * options.multiplier ** (failures - 1);
  return jitter(Math.min(grown, options.maxBackoffMs), options.jitter, random);
}
