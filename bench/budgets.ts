import type { ContenderName } from "./contender.ts";
import { cpuRatio, type Figures, type LoadResult } from "./figures.ts";

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

/** So much CPU for a call or a message, and no more. */
const cpu = (of: ContenderName, load: string, to: ContenderName, limit: number): Budget => ({
  load,
  of,
  to,
  figure: "cpu",
  limit,
});

/** So many calls a second, and no fewer. */
const throughput = (of: ContenderName, load: string, to: ContenderName, limit: number): Budget => ({
  load,
  of,
  to,
  figure: "throughput",
  limit,
});

const budgets: readonly Budget[] = [
  cpu("glink", "unary-c1", "grpc-go", 1),
  cpu("glink", "unary-c32", "grpc-go", 1),
  cpu("glink", "unary-c32", "floor", 0.35),
  cpu("glink", "unary-c32", "createGrpcTransport", 1 / 12),
  cpu("glink", "unary-c32", "grpc-js", 0.2),
  cpu("glink", "unary-c256", "grpc-go", 1),
  ...["server-stream-100", "server-stream-10000", "bidi-100"].flatMap((load) => [
    cpu("glink", load, "grpc-go", 1.2),
    cpu("glink", load, "floor", 0.7),
  ]),
  ...["unary-64KiB", "unary-1MiB"].flatMap((load) => [
    cpu("glink", load, "tcp", 1.3),
    throughput("glink", load, "floor", 1),
  ]),
  cpu("glink", "unary-tls", "floor", 0.6),
  cpu("glink", "unary-grpc-web", "createGrpcWebTransport", 0.1),
  cpu("glink", "unary-connect", "createConnectTransport", 0.1),
  ...["unary-grpc-web", "unary-connect"].map((load) => cpu("glink", load, "connect-go", 1)),
  ...["stream-grpc-web", "stream-connect"].map((load) => cpu("glink", load, "glink-plain", 1.1)),
  cpu("glink-plain", "unary-retry-off", "glink", 1.03),
  cpu("glink-node", "unary-c32", "floor", 1.3),
  cpu("glink-node", "unary-c32", "createGrpcTransport", 0.25),
  cpu("glink-node", "unary-c32", "grpc-js", 0.5),
  cpu("glink-node", "unary-deadline", "glink-node-plain", 1.1),
  cpu("glink-node", "unary-metadata-10", "glink-node-plain", 1.25),
  cpu("glink-node", "unary-interceptor", "glink-node-plain", 1.5),
  ...["unary-64KiB", "unary-1MiB"].flatMap((load) => [
    cpu("glink-node", load, "floor", 1.1),
    throughput("glink-node", load, "createGrpcTransport", 1.3),
  ]),
  ...["server-stream-100", "server-stream-10000"].flatMap((load) => [
    cpu("glink-node", load, "floor", 1.5),
    cpu("glink-node", load, "createGrpcTransport", 0.25),
  ]),
  cpu("glink-node", "bidi-100", "floor", 1.5),
  cpu("glink-node", "client-stream-100", "floor", 1.5),
  cpu("glink-node", "unary-pool-1000", "floor", 1.3),
  cpu("glink-node-plain", "unary-retry-off", "glink-node", 1.03),
];

/** Every budget whose two sides were measured. */
export function judge(results: readonly LoadResult[]): Verdict[] {
  return budgets.flatMap((budget) => {
    const figures = results.find(({ load }) => load.name === budget.load)?.figures;
    const [one, other] = [figures?.[budget.of], figures?.[budget.to]];
    if (one === undefined || other === undefined) return [];
    const { load, figure, limit } = budget;
    const ratio = figure === "cpu" ? cpuRatio(one, other).median : medianRatio(one, other);
    const met = figure === "cpu" ? ratio <= limit : ratio >= limit;
    const sign = figure === "cpu" ? "<=" : ">=";
    return [{ text: `${load}: ${figure} of ${budget.of} ${sign} ${+limit.toFixed(2)} x ${budget.to}`, ratio, met }];
  });
}

/** What became of glink's CPU since an earlier commit, load by load. */
export interface Change {
  readonly text: string;
  readonly ratio: number;
}

/** Every load on which glink was measured beside what it was. */
export function changes(results: readonly LoadResult[]): Change[] {
  return results.flatMap(({ load, figures }) =>
    (["glink", "glink-node"] as const).flatMap((name) => {
      const [now, before] = [figures[name], figures[`${name}-before`]];
      if (now === undefined || before === undefined) return [];
      return [{ text: `${load.name}: cpu of ${name}`, ratio: cpuRatio(now, before).median }];
    }),
  );
}

function medianRatio(one: Figures, other: Figures): number {
  return one.operationsPerSecond.median / other.operationsPerSecond.median;
}
