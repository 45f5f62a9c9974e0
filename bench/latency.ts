import type { Arrivals } from "./arrivals.ts";
import { type Companions, Contender, type Entry, entriesOf, type RunOptions } from "./contender.ts";
import { type BucketCounts, quantileOf } from "./histogram.ts";
import type { NamedLoad, PeerName } from "./loads.ts";
import { type Pace, processesOf } from "./rounds.ts";
import type { Servers } from "./server-process.ts";
import { type Spread, spreadOf } from "./statistics.ts";

/** Of what a client makes at the most. */
const shares = [0.2, 0.5, 0.8] as const;

/** How long a client makes calls as fast as they are answered, then as many as it made in that time, and then each share of them. */
const saturationMs = 1_000;
const shareMs = 2_000;
/** So many at least, for then p99.9 is the second slowest of a process; unless that takes longer than the other time. */
const leastCalls = 2_000;
const mostShareMs = 6_000;

/** What calls take that are due at random times, whatever became of others; spreads over processes. */
export interface Latency {
  readonly peer: PeerName;
  /** Calls at the most that are due at random times. Shares are of that of the same process. */
  readonly saturationPerSecond: Spread;
  readonly atShares: readonly AtShare[];
}

export interface AtShare {
  readonly share: number;
  readonly p50Ms: Spread;
  readonly p99Ms: Spread;
  readonly p999Ms: Spread;
}

/** What one process found. */
interface Sample {
  readonly saturationPerSecond: number;
  /** For each share. */
  readonly counts: readonly BucketCounts[];
}

/** Every peer alone, one process after the other, in an order that rotates. `load` with as many calls at once as saturate. */
export async function measureLatency(
  load: NamedLoad,
  companions: Companions,
  servers: Servers,
  { pace, ...options }: RunOptions & { readonly pace: Pace },
): Promise<Latency[]> {
  const entries = entriesOf(load, companions);
  const samples = entries.map((): Sample[] => []);
  for (let process = 0; process < pace.processes; process++) {
    for (let i = 0; i < entries.length; i++) {
      const at = (i + process) % entries.length;
      const entry = entries[at] as Entry;
      if (process < processesOf(entry.name, pace)) samples[at]?.push(await sampleOf(entry, servers, options, process));
    }
  }
  return entries.map(({ peer }, i) => latencyOf(peer, samples[i] as Sample[]));
}

async function sampleOf(entry: Entry, servers: Servers, options: RunOptions, seed: number): Promise<Sample> {
  const contender = await Contender.start(entry, servers, options);
  try {
    const saturationPerSecond = await saturationOf(contender, seed);
    const counts: BucketCounts[] = [];
    for (const share of shares) counts.push(await contender.openLoop(arrivalsAt(share * saturationPerSecond, seed)));
    return { saturationPerSecond, counts };
  } finally {
    await contender.end();
  }
}

/**
 * Calls that wait for the answers of others come together, and so cost less than those that are due at random times: so many of
 * those are made due, and the most is how many were answered in a second until all were.
 */
async function saturationOf(contender: Contender, seed: number): Promise<number> {
  const { operations, wallMs } = await contender.measure({ durationMs: saturationMs, probeHeap: false });
  const beganMs = performance.now();
  await contender.openLoop({ perSecond: (1_000 * operations) / wallMs, count: operations, seed });
  return (1_000 * operations) / (performance.now() - beganMs);
}

function arrivalsAt(perSecond: number, seed: number): Arrivals {
  const within = (ms: number) => Math.ceil((perSecond * ms) / 1_000);
  return { perSecond, count: Math.max(within(shareMs), Math.min(leastCalls, within(mostShareMs))), seed };
}

function latencyOf(peer: PeerName, samples: readonly Sample[]): Latency {
  const spread = (figure: (sample: Sample) => number) => spreadOf(samples.map(figure)) as Spread;
  return {
    peer,
    saturationPerSecond: spread((sample) => sample.saturationPerSecond),
    atShares: shares.map((share, i) => {
      const at = (q: number) => spread(({ counts }) => quantileOf(counts[i] ?? [], q));
      return { share, p50Ms: at(0.5), p99Ms: at(0.99), p999Ms: at(0.999) };
    }),
  };
}
