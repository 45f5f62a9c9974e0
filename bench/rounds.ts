import type { MeasureCommand, Measurement } from "./client/task.ts";
import { Contender, type ContenderName, type Entry, entriesOf, type RunOptions } from "./contender.ts";
import type { Load, NamedLoad, PeerName } from "./loads.ts";
import type { Servers } from "./server-process.ts";
import { type Spread, spreadOf } from "./statistics.ts";

/** How long and how often. */
export interface Pace {
  readonly rounds: number;
  readonly windowMs: number;
}

/** The figures of a report, each per operation or, for streams, per message. */
export interface Figures {
  readonly cpuMicros: Spread;
  readonly operationsPerSecond: Spread;
  readonly p50Ms: Spread;
  readonly p99Ms: Spread;
  readonly rssMiB: Spread;
  readonly loopDelayP99Ms: Spread | undefined;
  readonly heapBytes: Spread | undefined;
  /** CPU of each round, for ratios round by round. */
  readonly cpuMicrosByRound: readonly number[];
}

/** One load, all who took part. */
export interface LoadResult {
  readonly load: NamedLoad;
  readonly figures: ReadonlyMap<ContenderName, Figures>;
}

/**
 * Measures a load: every contender in a process of its own, one at a time, in rounds whose order rotates. What the
 * machine does meanwhile hits all of them.
 */
export async function measureLoad(
  load: NamedLoad,
  peers: readonly PeerName[],
  servers: Servers,
  pace: Pace,
  options: RunOptions,
): Promise<LoadResult> {
  const contenders: Contender[] = [];
  const measurements = new Map<ContenderName, Measurement[]>();
  try {
    for (const entry of entriesOf(load, peers, options.before)) {
      const contender = await Contender.start(entry, servers, options);
      contenders.push(contender);
      measurements.set(entry.name, []);
    }
    // All at once: nothing is measured yet, and the machine has more than one core.
    await Promise.all(contenders.map((contender) => contender.measure(warmUp(contender.entry.load))));
    for (let round = 0; round < pace.rounds; round++) {
      for (let i = 0; i < contenders.length; i++) {
        const contender = contenders[(i + round) % contenders.length] as Contender;
        const command = { durationMs: pace.windowMs, probeHeap: round === pace.rounds - 1 };
        measurements.get(contender.entry.name)?.push(await contender.measure(command));
      }
    }
  } finally {
    await Promise.all(contenders.map((contender) => contender.end()));
  }
  const figures = new Map<ContenderName, Figures>();
  for (const { entry } of contenders) figures.set(entry.name, summarize(entry, measurements.get(entry.name) ?? []));
  return { load, figures };
}

function warmUp({ messages }: Load): MeasureCommand {
  const operations = Math.max(20, 4_000 / messages);
  return { durationMs: 1_000, atLeast: { operations, limitMs: 8_000 }, probeHeap: false };
}

function summarize({ load }: Entry, rounds: readonly Measurement[]): Figures {
  const cpuMicrosByRound = rounds.map(({ cpuMicros, operations }) => cpuMicros / operations / load.messages);
  const of = (figure: (round: Measurement) => number | undefined): Spread | undefined =>
    spreadOf(rounds.map(figure).filter((value) => value !== undefined));
  return {
    cpuMicros: spreadOf(cpuMicrosByRound) as Spread,
    operationsPerSecond: of(({ operations, wallMs }) => (1_000 * operations * load.messages) / wallMs) as Spread,
    p50Ms: of(({ p50Ms }) => p50Ms) as Spread,
    p99Ms: of(({ p99Ms }) => p99Ms) as Spread,
    rssMiB: of(({ rssMiB }) => rssMiB) as Spread,
    loopDelayP99Ms: of(({ loopDelayP99Ms }) => loopDelayP99Ms),
    heapBytes: of(({ heapBytesPerOperation: bytes }) => (bytes === undefined ? undefined : bytes / load.messages)),
    cpuMicrosByRound,
  };
}
