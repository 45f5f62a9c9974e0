import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { type Arguments, readArguments, usage } from "./arguments.ts";
import { changes, judge } from "./budgets.ts";
import { build, buildBefore } from "./build.ts";
import { inGo } from "./contender.ts";
import { buildGoClient } from "./grpc-go.ts";
import { loads } from "./loads.ts";
import { jsonReport } from "./report/json.ts";
import { machineOf } from "./report/machine.ts";
import { plot } from "./report/plot.ts";
import { changeTable, headerText, loadTable, verdictTable } from "./report/table.ts";
import { type LoadResult, measureLoad } from "./rounds.ts";
import { Servers } from "./server-process.ts";

// Side by side: every gRPC client for Node, the bare engine beneath, and Go. `--help` lists the options.

const args = readArguments(process.argv.slice(2));
if (args.help) console.log(usage);
else if (args.list) for (const { name, peers } of loads) console.log(`${name.padEnd(22)}${peers.join(" ")}`);
else process.exitCode = await run(args);

async function run({ loads, peers, pace, before: commit, profile, json, svg, quick }: Arguments): Promise<number> {
  const note = (text: string) => process.stderr.write(`${text}\n`);
  build();
  const before = commit === undefined ? undefined : buildBefore(commit);
  const wantsGo = loads.some((load) => load.peers.some((peer) => peers.includes(peer) && inGo.includes(peer)));
  const goClient = wantsGo ? buildGoClient(note) : undefined;
  const present = goClient === undefined ? peers.filter((peer) => !inGo.includes(peer)) : peers;
  const machine = machineOf(["bench", ...process.argv.slice(2)], goClient);
  const servers = await Servers.start();
  const results: LoadResult[] = [];
  if (json !== "-") console.log(headerText(machine, pace));
  try {
    for (const load of loads) {
      const result = await measureLoad(load, present, servers, pace, { goClient, before, profile });
      results.push(result);
      if (json !== "-") console.log(loadTable(result));
    }
  } finally {
    await servers.stop();
  }
  const verdicts = judge(results);
  if (json === "-") console.log(jsonReport(machine, pace, results, verdicts));
  else console.log(verdictTable(verdicts));
  if (commit !== undefined && json !== "-") console.log(changeTable(commit, changes(results)));
  if (json !== undefined && json !== "-") write(json, jsonReport(machine, pace, results, verdicts));
  if (svg !== undefined) write(svg, plot(machine, results));
  return quick && verdicts.some(({ met }) => !met) ? 1 : 0;
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${text}\n`);
}
