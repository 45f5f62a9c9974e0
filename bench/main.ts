import { type Arguments, readArguments, usage } from "./arguments.ts";
import type { Findings } from "./budgets/budget.ts";
import { judge } from "./budgets/list.ts";
import { build, buildBefore } from "./build.ts";
import { changes } from "./changes.ts";
import { inGo } from "./contender.ts";
import { buildGoClient } from "./grpc-go.ts";
import { measureLatency } from "./latency.ts";
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
  let findings: Findings = { loads: [], latency: [], scale: [], loading: undefined };
  const resultSoFar = (): Result => ({ machine, pace, ...findings, budgets: judge(findings) });
  const found = (part: Partial<Findings>, text: (result: Result) => string) => {
    findings = { ...findings, ...part };
    const result = resultSoFar();
    say(`${text(result)}\n`);
    // Half an hour may be cut short: what was found is kept.
    if (json !== undefined && json !== "-") writeResult(json, result);
  };
  say(headerText(machine, pace));
  // First what may fail for want of files, ports or a build.
  if (args.programs.includes("loading")) found({ loading: await measureLoading() }, loadingTable);
  if (args.programs.includes("scale")) {
    found({ scale: await measureScale() }, (result) => `${scaleTable(result)}\n\n${targetsTable(result)}`);
  }
  const servers = await Servers.start();
  try {
    for (const load of args.loads) {
      const hasVariants = args.variantLoads === undefined || args.variantLoads.includes(load.name);
      const companions = hasVariants
        ? { peers, before, nodes }
        : { peers: peers.filter((peer) => peer !== "glink-node"), before, nodes: new Map() };
      const result = await measureLoad(load, companions, servers, { goClient, profile, pace });
      found({ loads: [...findings.loads, result] }, () => loadTable(result));
    }
    if (args.latencyPeers.length > 0) {
      const companions = { peers: args.latencyPeers.filter(present), before: undefined, nodes: new Map() };
      const latency = await measureLatency(latencyLoad, companions, servers, { goClient, profile, pace });
      found({ latency }, () => latencyTable(latency));
    }
  } finally {
    await servers.stop();
  }
  const result = resultSoFar();
  say(verdictTable(result.budgets));
  if (args.before !== undefined) say(changeTable(args.before, changes(findings.loads)));
  if (json === "-") console.log(resultText(result));
  return quick && result.budgets.some(({ met }) => !met) ? 1 : 0;
}
