import type { GlinkSnapshot } from "../../src/index.ts";

/** The counts of a backend, of which a snapshot has more. */
interface BackendCounts {
  readonly address: string;
  readonly callsStarted: number;
  readonly callsFailed: number;
}

/** As much of a snapshot as its samples are made of. */
export function snapshotOf(given: { takenAtMs: number; backends?: readonly BackendCounts[] }): GlinkSnapshot {
  const { takenAtMs, backends = [] } = given;
  const calls = {
    started: 0,
    succeeded: 0,
    failed: {},
    attempts: 0,
    attemptsFailed: {},
    retries: 0,
    transparentRetries: 0,
  };
  return { takenAtMs, calls, subchannels: backends } as unknown as GlinkSnapshot;
}
