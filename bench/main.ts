import { type Arguments, readArguments, usage } from "./arguments.ts";
import type { Findings } from "./budgets/budget.ts";
import { judge } from "./budgets/list.ts";
import { build, buildBefore } from "./build.ts";
import { changes } from "./changes.ts";
import { inGo } from "./contender.ts";
import type { LoadResult } from "./figures.ts";
import { buildGoClient } from "./grpc-go.ts";
import { type Latency, measureLatency } from "./latency.ts";
import { latencyLoad, loads } from "./loads.ts";
import { nodesOf } from "./node-versions.ts";
import { measureLoading, measureScale } from "./programs.ts";
import { machineOf } from "./report/machine.ts";
import { loadingTable, scaleTable, targetsTable } from "./report/process-tables.ts";
import { type Result, resultText, writeResult } from "./report/result.ts";
import { changeTable, headerText, latencyTable, loadTable, verdictTable } from "./report/table.ts";
import { measureLoad } from "./rounds.ts";
import { Servers } from "./server-process.ts";

// Side by side: every gRPC client for Node, the bare engine beneath, and Go. `--help` lists the options.

const args = readArguments(process.argv.slice(2));
if (args.help) console.log(usage);
else if (args.list)
  for (const { name, peers } of [...loads, latencyLoad]) console.log(`${name.padEnd(26)}${peers.join(" ")}`);
else process.exitCode = await run(args);

async function run(args: Arguments): Promise<number> {
  const { pace, profile, quick, json } = args;
  const note = (text: string) => process.stderr.write(`${text}\n`);
  const say = (text: string) => json !== "-" && console.log(text);
  build();
  const before = args.before === undefined ? undefined : buildBefore(args.before);
  const wanted = [...args.loads.flatMap(({ peers }) => peers), ...args.latencyPeers];
  const wantsGo = inGo.some((peer) => args.peers.includes(peer) && wanted.includes(peer));
  const goClient = wantsGo ? buildGoClient(note) : undefined;
  const present = (peer: (typeof args.peers)[number]) => goClient !== undefined || !inGo.includes(peer);
  const peers = args.peers.filter(present);
  const nodes = nodesOf(args.nodeVersions);
  const machine = machineOf(["bench", ...process.argv.slice(2)], goClient, nodes);
  say(headerText(machine, pace));
  // First what may fail for want of files, ports or a build, and not after half an hour.
  const loading = args.programs.includes("loading") ? await measureLoading() : undefined;
  const scale = args.programs.includes("scale") ? await measureScale() : [];
  const servers = await Servers.start();
  const loads: LoadResult[] = [];
  let latency: readonly Latency[] = [];
  try {
    for (const load of args.loads) {
      const hasVariants = args.variantLoads === undefined || args.variantLoads.includes(load.name);
      const companions = hasVariants
        ? { peers, before, nodes }
        : { peers: peers.filter((peer) => peer !== "glink-node"), before, nodes: new Map() };
      const result = await measureLoad(load, companions, servers, { goClient, profile, pace });
      loads.push(result);
      say(loadTable(result));
    }
    if (args.latencyPeers.length > 0) {
      const companions = { peers: args.latencyPeers.filter(present), before: undefined, nodes: new Map() };
      latency = await measureLatency(latencyLoad, companions, servers, { goClient, profile, pace });
      say(latencyTable(latency));
    }
  } finally {
    await servers.stop();
  }
  const findings: Findings = { loads, latency, scale, loading };
  const result: Result = { machine, pace, ...findings, budgets: judge(findings) };
  if (scale.length > 0) say(`${scaleTable(result)}\n\n${targetsTable(result)}\n`);
  if (loading !== undefined) say(`${loadingTable(result)}\n`);
  say(verdictTable(result.budgets));
  if (args.before !== undefined) say(changeTable(args.before, changes(loads)));
  if (json === "-") console.log(resultText(result));
  else if (json !== undefined) writeResult(json, result);
  return quick && result.budgets.some(({ met }) => !met) ? 1 : 0;
}
