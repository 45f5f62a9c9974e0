import type { Budget, Findings, Verdict } from "./budget.ts";
import { cpu, cpuOver, streamCpu, throughput } from "./costs.ts";
import { noLongerThanGo } from "./latency.ts";
import { loading, manyBackends, manyTargets } from "./processes.ts";

const largeLoads = ["64KiB", "1MiB", "16MiB"].flatMap((size) => [`unary-${size}`, `unary-tls-${size}`]);
const streamLoads = ["server-stream-100", "server-stream-10000", "bidi-100", "client-stream-100"];

/** All that is wanted, in the order of the report. */
const budgets: readonly Budget[] = [
  ...["unary-c1", "unary-c32", "unary-c256", "unary-tls", "unary-pool-1000"].map((load) =>
    cpu("glink", load, "grpc-go", 1),
  ),
  cpu("glink", "unary-c32", "floor", 0.35),
  cpu("glink", "unary-c32", "createGrpcTransport", 1 / 12),
  cpu("glink", "unary-c32", "grpc-js", 0.2),
  cpu("glink", "unary-tls", "floor", 0.6),
  cpuOver("glink", "unary-interceptor", 5),
  cpuOver("glink", "unary-interceptor-header", 12),
  ...["unary-gzip-1KiB", "unary-gzip", "unary-gzip-16KiB"].map((load) => cpu("glink", load, "grpc-go", 1)),
  cpu("glink", "unary-gzip-64KiB", "grpc-go", 1.2),
  ...streamLoads.map((load) => streamCpu(load, 1.2, 0.5)),
  ...["server-stream-100", "server-stream-10000", "bidi-100"].map((load) => cpu("glink", load, "floor", 0.7)),
  ...largeLoads.map((load) => cpu("glink", load, "grpc-go", 1.1)),
  ...["unary-64KiB", "unary-1MiB"].flatMap((load) => [
    cpu("glink", load, "tcp", 1.3),
    throughput("glink", load, "floor", 1),
  ]),
  cpu("glink", "unary-grpc-web", "createGrpcWebTransport", 0.1),
  cpu("glink", "unary-connect", "createConnectTransport", 0.1),
  ...["unary-grpc-web", "unary-connect"].map((load) => cpu("glink", load, "connect-go", 1)),
  ...["stream-grpc-web", "stream-connect"].map((load) => cpu("glink", load, "glink-plain", 1.1)),
  cpu("glink-plain", "unary-retry-off", "glink", 1.03),
  ...[0.2, 0.5, 0.8].flatMap((share) => [noLongerThanGo("p50", share), noLongerThanGo("p99", share)]),
  ...manyBackends,
  ...manyTargets,
  ...loading,
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

/** Every budget that was measured. */
export function judge(findings: Findings): Verdict[] {
  return budgets.flatMap((budget) => {
    const { subject, wanted } = budget;
    const judgement = budget.judge(findings);
    return judgement === undefined ? [] : [{ subject, wanted, ...judgement }];
  });
}
