import type { Measurement } from "./client/task.ts";
import { type Companions, Contender, type ContenderName, entriesOf, type RunOptions } from "./contender.ts";
import { figuresOf, type LoadResult } from "./figures.ts";
import type { NamedLoad } from "./loads.ts";
import type { Servers } from "./server-process.ts";

/** How long and how often. */
export interface Pace {
  /** Of each client on each load, one after the other: no two processes compile and collect garbage alike. */
  readonly processes: number;
  /** Of each process. */
  readonly rounds: number;
  readonly windowMs: number;
}

/**
 * Measures a load: every contender in processes of its own, one at a time, in rounds whose order rotates. What the
 * machine does meanwhile hits all of them.
 */
export async function measureLoad(
  load: NamedLoad,
  companions: Companions,
  servers: Servers,
  { pace, ...options }: RunOptions & { readonly pace: Pace },
): Promise<LoadResult> {
  const entries = entriesOf(load, companions);
  const measured = new Map(entries.map(({ name }) => [name, [] as Measurement[][]]));
  for (let process = 0; process < pace.processes; process++) {
    const contenders = await Contender.startAll(entries, servers, options);
    try {
      const rounds = await measureRounds(contenders, pace, process);
      for (const [name, measurements] of rounds) measured.get(name)?.push(measurements);
    } finally {
      await Promise.all(contenders.map((contender) => contender.end()));
    }
  }
  const figures = entries.map((entry) => [entry.name, figuresOf(entry.load, measured.get(entry.name) ?? [])]);
  return { load, figures: Object.fromEntries(figures) };
}

async function measureRounds(contenders: readonly Contender[], { rounds, windowMs }: Pace, first: number) {
  const measured = new Map(contenders.map(({ entry }) => [entry.name as ContenderName, [] as Measurement[]]));
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < contenders.length; i++) {
      const contender = contenders[(i + round + first) % contenders.length] as Contender;
      const command = { durationMs: windowMs, probeHeap: round === rounds - 1 };
      measured.get(contender.entry.name)?.push(await contender.measure(command));
    }
  }
  return measured;
}
