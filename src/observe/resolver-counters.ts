import { TimedCounters, type TimedCounts } from "./connection-counters.ts";

/** Counts of what a channel's resolver found since the channel was made, as plain data. Each only grows. */
export interface ResolverCounts extends TimedCounts {
  /** Backends that the resolver named anew. */
  readonly addressesAdded: number;
  /** Backends that it named no longer. */
  readonly addressesRemoved: number;
}

/**
 * What is counted of a channel's resolver: its answers and its errors. How long they took is known of lookups alone, and
 * not of what a resolver was told unasked.
 */
export class ResolverCounters extends TimedCounters implements ResolverCounts {
  addressesAdded = 0;
  addressesRemoved = 0;

  read(): ResolverCounts {
    return { ...this };
  }
}
