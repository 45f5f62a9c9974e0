import { parseArgs } from "node:util";
import { caseSeed } from "../chance.ts";
import { examine } from "./examine.ts";
import { Players } from "./players.ts";
import { Responder } from "./responder.ts";
import type { ResponseCase } from "./response-case.ts";
import { generateResponse } from "./response-generator.ts";

/*
 * npm run fuzz:responses [-- --seconds N] [--seed S] [--cases N] [--case C]
 * Responses of each protocol with what is odd about them by chance, to glink on both engines and to connect-node's
 * transport: the engines see the same, no call hangs, and what connect-node sees otherwise is known.
 */

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    cases: { type: "string", default: "1000000000" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 32)) },
    case: { type: "string" },
  },
});
const [seconds, cases, seed] = [values.seconds, values.cases, values.seed].map(Number) as [number, number, number];
const responder = await Responder.start();
const players = new Players(responder.baseUrl);
const tolerated = new Map<string, number>();
const untilMs = performance.now() + seconds * 1_000;
let played = 0;
let found = 0;
try {
  if (values.case !== undefined) await look(Number(values.case), true);
  else for (; played < cases && performance.now() < untilMs; played++) await look(caseSeed(seed, played), false);
} finally {
  await players.close();
  await responder.close();
}
for (const [name, count] of tolerated) console.log(`  tolerated in ${count} cases: ${name}`);
console.log(`fuzz, responses: ${played} cases, ${found} findings, seed ${seed}`);
process.exitCode = found === 0 ? 0 : 1;

async function look(seedOfCase: number, inWords: boolean): Promise<void> {
  const one = generateResponse(seedOfCase);
  const { findings, tolerated: names, seen } = await examine(responder, players, one);
  for (const name of names) tolerated.set(name, (tolerated.get(name) ?? 0) + 1);
  found += findings.length;
  if (inWords) console.log(describe(one), seen);
  for (const finding of findings) console.log(`found: ${finding}\n  --case ${seedOfCase}: ${describe(one)}`);
}

function describe({ protocol, kind, format, asGet, status, headers, pieces, trailers, changes }: ResponseCase): string {
  const body = Buffer.concat(pieces).toString("latin1");
  return (
    `${protocol} ${asGet ? "GET" : kind} ${format}: HTTP ${status} ${JSON.stringify(headers)} ` +
    `${JSON.stringify(body.slice(0, 200))} ${JSON.stringify(trailers)}; ${changes.join(", ")}`
  );
}
