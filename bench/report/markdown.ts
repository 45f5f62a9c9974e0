import { cpuAbove, type Figures } from "../figures.ts";
import type { Latency } from "../latency.ts";
import type { Pace } from "../rounds.ts";
import type { Spread } from "../statistics.ts";
import { titleOf } from "../titles.ts";
import { notMeasured, table } from "./markdown-table.ts";
import { day, digits, grouped, rangeText } from "./numbers.ts";
import type { Result } from "./result.ts";
import { connectNode, firstOf, go, inGoCpu } from "./rows.ts";

/** All budgets that were measured: what was wanted, what was found. */
export function verdictTable({ budgets }: Result): string {
  const rows = budgets.map(({ subject, wanted, measured, met }) => [
    subject,
    wanted,
    measured,
    met ? "met" : "**missed**",
  ]);
  const missed = budgets.filter(({ met }) => !met).length;
  const count = `${budgets.length - missed} of ${budgets.length} are met.`;
  return `${count}\n\n${table([["", "wanted", "measured", ""], ...rows])}`;
}

/** CPU of every load, of every client: docs/performance.md's. */
export function costTable({ loads }: Result): string {
  const rows = loads.map((result) => {
    const { figures } = result;
    const { glink, "no-network": alone } = figures;
    const above = glink === undefined || alone === undefined ? undefined : cpuAbove(glink, alone);
    return [
      result.load.name,
      ...[firstOf(figures, connectNode), figures["grpc-js"], glink, firstOf(figures, go)].map(cpu),
      ratio(inGoCpu(result, ["glink"])),
      cpu(alone),
      above === undefined ? "" : grouped(above.median),
    ];
  });
  const columns = ["connect-node", "grpc-js", "glink", "Go", "glink / Go", "no-network"];
  return table([["load", ...columns, "glink − no-network"], ...rows]);
}

/** README's. */
export function shortCostTable({ loads }: Result): string {
  const short = ["unary-c32", "unary-tls", "unary-64KiB", "server-stream-100", "unary-pool-1000"];
  const columns = ["createGrpcTransport", "grpc-js", "glink", "grpc-go"] as const;
  const rows = short.flatMap((name) => {
    const measured = loads.filter(({ load }) => load.name === name);
    return measured.map(({ figures }) => [titleOf(name), ...columns.map((column) => cpu(figures[column]))]);
  });
  return table([["load", ...columns], ...rows]);
}

/** glink on each Node, and with the other engine, on the loads on which it was measured in more than one way. */
export function variantTable({ loads, machine: { versions } }: Result): string {
  const nodes = Object.keys(versions).flatMap((name) => (name.startsWith("node@") ? [name.slice(5)] : []));
  const columns = [
    { name: "glink", title: `Node ${versions.node}` },
    ...nodes.map((node) => ({ name: `glink@${node}` as const, title: `Node ${versions[`node@${node}`]}` })),
    { name: "glink-node", title: '`http2: "node"`' },
  ] as const;
  const rows = loads
    .filter(({ figures }) => columns.filter(({ name }) => figures[name] !== undefined).length > 1)
    .map(({ load, figures }) => [load.name, ...columns.map(({ name }) => cpu(figures[name]))]);
  if (rows.length === 0) return notMeasured;
  return table([["load", ...columns.map(({ title }) => title)], ...rows]);
}

/** Every client at every share of what it makes at the most. */
export function latencyTable({ latency }: Result): string {
  const rows = latency.flatMap(({ peer, saturationPerSecond, atShares }: Latency) =>
    atShares.map(({ share, p50Ms, p99Ms, p999Ms }) => [
      peer,
      `${100 * share} %`,
      grouped(share * saturationPerSecond.median),
      ...[p50Ms, p99Ms, p999Ms].map((one) => rangeText(one, digits)),
    ]),
  );
  return table([["client", "of its most", "calls a second", "p50, ms", "p99, ms", "p99.9, ms"], ...rows]);
}

/** When, where and with what. */
export function provenance({ machine, pace }: Result): string {
  const { date, commit, command, processor, cores, loadAverage, versions } = machine;
  const { node, glink: _, nghttp2: __, ...libraries } = versions;
  const named = Object.entries(libraries).filter(([name]) => !name.startsWith("node@"));
  return [
    `\`${command}\`, ${day(date)}, commit ${commit}; ${processor}, ${cores} cores, shared, load ${loadAverage.toFixed(1)} at the beginning;`,
    `Node ${node}, ${named.map(([name, version]) => `${name} ${version}`).join(", ")}.`,
    `Medians of ${processesOf(pace)}, each the median of ${pace.rounds} rounds in which clients take turns.`,
  ].join("\n");
}

/** The same in short. */
export function shortProvenance({ machine, pace }: Result): string {
  const { date, cores, versions } = machine;
  return `Medians of ${processesOf(pace)}, ${day(date)}, Node ${versions.node}, on a shared machine of ${cores} cores: compare columns.`;
}

function processesOf({ processes, otherProcesses }: Pace): string {
  if (processes === otherProcesses) return processes === 1 ? "one process" : `${processes} processes of each client`;
  return `${processes} processes of glink, Go's clients and no-network, and of ${otherProcesses} of each other client`;
}

function cpu(figures: Figures | undefined): string {
  return figures === undefined ? "" : grouped(figures.cpuMicros.median);
}

function ratio(of: Spread | undefined): string {
  return of === undefined ? "" : rangeText(of, (one) => one.toFixed(2));
}
