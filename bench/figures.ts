import type { Measurement } from "./client/task.ts";
import type { ContenderName } from "./contender.ts";
import type { Load, NamedLoad } from "./loads.ts";
import { medianOf, type Spread, spreadOf } from "./statistics.ts";

/** What was found of one client on one load, per operation or, for streams, per message: spreads over its processes. */
export interface Figures {
  readonly cpuMicros: Spread;
  readonly operationsPerSecond: Spread;
  readonly p50Ms: Spread;
  readonly p99Ms: Spread;
  readonly rssMiB: Spread;
  readonly loopDelayP99Ms: Spread | undefined;
  readonly heapBytes: Spread | undefined;
  /** CPU in each process, in the order in which they ran: for ratios of clients that ran at the same time. */
  readonly cpuMicrosByProcess: readonly number[];
}

/** One load, all who took part. */
export interface LoadResult {
  readonly load: NamedLoad;
  readonly figures: FiguresByName;
}
export type FiguresByName = Readonly<Partial<Record<ContenderName, Figures>>>;

/** Of each process the median of its rounds; of all processes the median again, with the least and the most. */
export function figuresOf({ messages }: Load, processes: readonly (readonly Measurement[])[]): Figures {
  const byProcess = (figure: (round: Measurement) => number | undefined): number[] =>
    processes.map((rounds) => medianOf(rounds.map(figure).filter((value) => value !== undefined))).filter(isNumber);
  const spread = (figure: (round: Measurement) => number) => spreadOf(byProcess(figure)) as Spread;
  const cpuMicros = (round: Measurement) => round.cpuMicros / round.operations / messages;
  return {
    cpuMicros: spread(cpuMicros),
    operationsPerSecond: spread(({ operations, wallMs }) => (1_000 * operations * messages) / wallMs),
    p50Ms: spread(({ p50Ms }) => p50Ms),
    p99Ms: spread(({ p99Ms }) => p99Ms),
    rssMiB: spread(({ rssMiB }) => rssMiB),
    loopDelayP99Ms: spreadOf(byProcess(({ loopDelayP99Ms }) => loopDelayP99Ms)),
    heapBytes: spreadOf(
      byProcess(({ heapBytesPerOperation: bytes }) => (bytes === undefined ? undefined : bytes / messages)),
    ),
    cpuMicrosByProcess: byProcess(cpuMicros),
  };
}

function isNumber(value: number): boolean {
  return !Number.isNaN(value);
}

/** CPU of one in that of another, process by process: what slowed the machine down slowed both down. */
export function cpuRatio(one: Figures, other: Figures): Spread {
  return ofPairs(one, other, (micros, others) => micros / others);
}

/** How many microseconds of CPU one takes above another, process by process. */
export function cpuAbove(one: Figures, other: Figures): Spread {
  return ofPairs(one, other, (micros, others) => micros - others);
}

/** Of the processes that ran at the same time: the first ones of both, where one had fewer. */
function ofPairs(one: Figures, other: Figures, figure: (micros: number, others: number) => number): Spread {
  const others = other.cpuMicrosByProcess;
  const pairs = one.cpuMicrosByProcess.slice(0, others.length);
  return spreadOf(pairs.map((micros, i) => figure(micros, others[i] as number))) as Spread;
}
