import type { PoolView } from "./pool-view.ts";

/** Told of the pools that are watched. */
export interface PoolFeedListener {
  onPools(pools: readonly PoolView[]): void;
  /** They cannot be seen at the moment: it is tried again. */
  onTrouble(reason: string): void;
}

/** Where pools are seen. */
export interface PoolFeed {
  close(): Promise<void>;
}
