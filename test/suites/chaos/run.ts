import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hasManyLoopbackAddresses } from "../../../demo/loopback.ts";
import { caseSeed } from "../fuzz/chance.ts";
import { type Arguments, readArguments, usage } from "./arguments.ts";
import { Hosts } from "./hosts.ts";
import { signatureOf } from "./messages.ts";
import { minimise } from "./minimise.ts";
import { type BackendKind, backendKinds, type Plan } from "./plan.ts";
import { type Possible, planRound } from "./planner.ts";
import { missingPrograms } from "./program-backend.ts";
import { playRound, type RoundResult } from "./round.ts";

// Rounds of everything at once: real servers and lying ones, networks, DNS, every option, every kind of call; and what has to
// hold all the same. A round is made from its seed alone.

const foundFolder = join(import.meta.dirname, "../../../.cache/chaos");

// What servers that were killed leave behind holds this process no longer.
process.exit(await main());

async function main(): Promise<number> {
  let args: Arguments;
  try {
    args = readArguments(process.argv.slice(2));
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${usage}`);
    return 2;
  }
  if (args.help) {
    console.log(usage);
    return 0;
  }
  const missing = missingPrograms();
  for (const [kind, why] of missing) console.log(`chaos: no servers of ${kind}: ${why}`);
  const possible: Possible = {
    manyAddresses: await hasManyLoopbackAddresses(),
    kinds: new Set<BackendKind>(backendKinds.filter((kind) => !missing.has(kind))),
    engine: args.engine,
  };
  const hosts = new Hosts();
  try {
    return await run(args, possible, hosts);
  } finally {
    await hosts.close();
  }
}

async function run(args: Arguments, possible: Possible, hosts: Hosts): Promise<number> {
  const { seed, seconds, round, plan: planPath, minimiseSeconds } = args;
  const play = (plan: Plan) => playRound(plan, hosts, possible.manyAddresses);
  const one =
    planPath !== undefined
      ? (JSON.parse(readFileSync(planPath, "utf8")) as Plan)
      : round !== undefined
        ? planRound(round, possible)
        : undefined;
  if (one !== undefined) {
    console.log(describePlan(one));
    const result = await play(one);
    console.log(describeResult(one, result));
    if (result.findings.length === 0) return 0;
    if (minimiseSeconds > 0) await makeSmall(one, result, play, minimiseSeconds);
    return 1;
  }
  console.log(`chaos: seed ${seed}, ${seconds} s`);
  const endMs = performance.now() + seconds * 1_000;
  const totals = { rounds: 0, calls: 0, connections: 0, lookups: 0, failed: 0 };
  const ended = new Map<string, number>();
  let isMinimised = minimiseSeconds === 0;
  while (performance.now() < endMs) {
    const plan = planRound(caseSeed(seed, totals.rounds), possible);
    const result = await play(plan);
    totals.rounds++;
    totals.calls += plan.calls.length;
    totals.connections += result.connections;
    totals.lookups += result.lookups;
    for (const [code, count] of Object.entries(result.ended)) ended.set(code, (ended.get(code) ?? 0) + count);
    console.log(describeResult(plan, result));
    if (result.findings.length === 0) continue;
    totals.failed++;
    if (isMinimised) continue;
    isMinimised = true;
    await makeSmall(plan, result, play, minimiseSeconds);
  }
  const codes = [...ended].map(([code, count]) => `${count} ${code}`).join(", ");
  const { rounds, calls, connections, lookups, failed } = totals;
  console.log(
    `chaos: seed ${seed}: ${rounds} rounds, ${failed} of them failed, ${calls} calls (${codes}), ` +
      `${connections} connections, ${lookups} lookups`,
  );
  return failed > 0 ? 1 : 0;
}

/** Cuts a plan that failed, and writes it down. */
async function makeSmall(
  plan: Plan,
  { findings }: RoundResult,
  play: (plan: Plan) => Promise<RoundResult>,
  seconds: number,
): Promise<void> {
  const wanted = new Set(findings.map(signatureOf));
  const fails = async (candidate: Plan) => (await play(candidate)).findings.some((one) => wanted.has(signatureOf(one)));
  const small = await minimise(plan, fails, performance.now() + seconds * 1_000);
  mkdirSync(foundFolder, { recursive: true });
  const path = join(foundFolder, `found-${plan.seed}.json`);
  writeFileSync(path, JSON.stringify(small, null, 1));
  console.log(
    `  made small: ${small.actions.length} of ${plan.actions.length} actions, ${small.calls.length} of ${plan.calls.length} calls, ` +
      `options ${JSON.stringify(small.options)}: npm run chaos -- --plan ${path}`,
  );
}

function describePlan({ calls, actions, ...plan }: Plan): string {
  const lines = actions.map((action) => `  ${JSON.stringify(action)}`);
  return [`${JSON.stringify(plan)}`, `${calls.length} calls, and meanwhile:`, ...lines].join("\n");
}

function describeResult(plan: Plan, { findings, ended, recoveredMs }: RoundResult): string {
  const codes = Object.entries(ended).map(([code, count]) => `${count} ${code}`);
  const kinds = plan.backends.map(({ kind, lies = 0 }) => (lies > 0 ? `${kind} (lies)` : kind));
  const line =
    `round ${plan.seed}: ${plan.engine}, ${plan.protocol}, ${kinds.join(" ")}; ${plan.actions.length} actions, ` +
    `${plan.calls.length} calls: ${codes.join(", ")}${recoveredMs === undefined ? "" : `; well again in ${recoveredMs} ms`}`;
  const shown = findings.slice(0, 8).map(({ invariant, text }) => `  FAILED ${invariant}: ${text}`);
  if (findings.length > shown.length) shown.push(`  and ${findings.length - shown.length} more`);
  return [line, ...shown].join("\n");
}
