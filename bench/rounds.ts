import type { Measurement } from "./client/task.ts";
import { type Companions, Contender, type ContenderName, entriesOf, inGo, type RunOptions } from "./contender.ts";
import { figuresOf, type LoadResult } from "./figures.ts";
import type { NamedLoad } from "./loads.ts";
import type { Servers } from "./server-process.ts";

/** How long and how often. */
export interface Pace {
  /**
   * Of glink, of Go's clients and of no-network, which budgets compare, on each load, one after the other: no two processes
   * compile and collect garbage alike.
   */
  readonly processes: number;
  /** Of every other client, and of glink on other Nodes: no more than of those. */
  readonly otherProcesses: number;
  /** Of each process. */
  readonly rounds: number;
  readonly windowMs: number;
}

const compared: readonly ContenderName[] = [...inGo, "no-network", "glink", "glink-plain", "glink-before"];

/** How many processes of a contender are measured. */
export function processesOf(name: ContenderName, { processes, otherProcesses }: Pace): number {
  return compared.includes(name) ? processes : otherProcesses;
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
    const due = entries.filter(({ name }) => process < processesOf(name, pace));
    const contenders = await Contender.startAll(due, servers, options);
    try {
      const rounds = await measureRounds(contenders, pace, load.windows * pace.windowMs, process);
      for (const [name, measurements] of rounds) measured.get(name)?.push(measurements);
    } finally {
      await Promise.all(contenders.map((contender) => contender.end()));
    }
  }
  const figures = entries.map((entry) => [entry.name, figuresOf(entry.load, measured.get(entry.name) ?? [])]);
  return { load, figures: Object.fromEntries(figures) };
}

async function measureRounds(
  contenders: readonly Contender[],
  { rounds }: Pace,
  durationMs: number,
  first: number,
): Promise<Map<ContenderName, Measurement[]>> {
  const measured = new Map(contenders.map(({ entry }) => [entry.name as ContenderName, [] as Measurement[]]));
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < contenders.length; i++) {
      const contender = contenders[(i + round + first) % contenders.length] as Contender;
      const command = { durationMs, probeHeap: round === rounds - 1 };
      measured.get(contender.entry.name)?.push(await contender.measure(command));
    }
  }
  return measured;
}
