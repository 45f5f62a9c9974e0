import type { ContenderName } from "./contender.ts";
import { glinkPlain } from "./contender.ts";
import type { Figures, LoadResult } from "./rounds.ts";
import { spreadOf } from "./statistics.ts";

/** What a ratio of two contenders on one load may be. */
interface Budget {
  readonly load: string;
  readonly of: ContenderName;
  readonly to: ContenderName;
  readonly figure: "cpu" | "throughput";
  /** At most, for CPU; at least, for throughput. */
  readonly limit: number;
}

/** A budget and how it was kept. */
export interface Verdict {
  readonly text: string;
  readonly ratio: number;
  readonly met: boolean;
}

const cpu = (load: string, to: ContenderName, limit: number, of: ContenderName = "glink"): Budget => ({
  load,
  of,
  to,
  figure: "cpu",
  limit,
});

const throughput = (load: string, to: ContenderName, limit: number): Budget => ({
  load,
  of: "glink",
  to,
  figure: "throughput",
  limit,
});

/** What glink on node:http2 must cost in CPU per call or message (design section 8). */
const budgets: readonly Budget[] = [
  cpu("unary-c32", "floor", 1.3),
  cpu("unary-c32", "createGrpcTransport", 0.25),
  cpu("unary-c32", "grpc-js", 0.5),
  cpu("unary-deadline", glinkPlain, 1.1),
  cpu("unary-metadata-10", glinkPlain, 1.25),
  cpu("unary-interceptor", glinkPlain, 1.5),
  cpu("unary-64KiB", "floor", 1.1),
  throughput("unary-64KiB", "createGrpcTransport", 1.3),
  cpu("unary-1MiB", "floor", 1.1),
  throughput("unary-1MiB", "createGrpcTransport", 1.3),
  cpu("server-stream-100", "floor", 1.5),
  cpu("server-stream-100", "createGrpcTransport", 0.25),
  cpu("server-stream-10000", "floor", 1.5),
  cpu("server-stream-10000", "createGrpcTransport", 0.25),
  cpu("bidi-100", "floor", 1.5),
  cpu("client-stream-100", "floor", 1.5),
  cpu("unary-pool-1000", "floor", 1.3),
  cpu("unary-retry-off", "glink", 1.03, glinkPlain),
];

/** Every budget whose two sides were measured. */
export function judge(results: readonly LoadResult[]): Verdict[] {
  return budgets.flatMap((budget) => {
    const figures = results.find(({ load }) => load.name === budget.load)?.figures;
    const [one, other] = [figures?.get(budget.of), figures?.get(budget.to)];
    if (one === undefined || other === undefined) return [];
    const { load, figure, limit } = budget;
    const ratio = figure === "cpu" ? cpuRatio(one, other) : medianRatio(one, other);
    const met = figure === "cpu" ? ratio <= limit : ratio >= limit;
    const sign = figure === "cpu" ? "<=" : ">=";
    return [{ text: `${load}: ${figure} of ${budget.of} ${sign} ${limit} x ${budget.to}`, ratio, met }];
  });
}

/** The median of the ratios round by round: what slowed a whole round down slowed both sides down. */
export function cpuRatio(one: Figures, other: Figures): number {
  const ratios = one.cpuMicrosByRound.map((micros, round) => micros / (other.cpuMicrosByRound[round] ?? Number.NaN));
  return spreadOf(ratios)?.median ?? Number.NaN;
}

function medianRatio(one: Figures, other: Figures): number {
  return one.operationsPerSecond.median / other.operationsPerSecond.median;
}
