import { Arena } from "./arena.ts";
import { type Arguments, readArguments, usage } from "./arguments.ts";
import { runCampaign } from "./campaign.ts";
import { describeFrame, readFrames } from "./frames.ts";
import { sentBytes } from "./fuzz-case.ts";
import { examine, type FoundCase } from "./fuzzer.ts";
import { generateCase } from "./generator.ts";
import { readRecordedSessions } from "./recorded-sessions.ts";
import { writeFound } from "./regression.ts";
import { enginesOf } from "./stretch.ts";

// Random and mutated HTTP/2 against both engines: the same outcome of each call, and nothing that must not be.

/** Where findings go. */
const foundFolder = ".cache/fuzz";

/** What the heap may grow by, from the first tenth of a process' cases to its end. */
const heapGrowthMaxBytes = 32 * 2 ** 20;

process.exitCode = await main();

async function main(): Promise<number> {
  let args: Arguments;
  try {
    args = readArguments(process.argv.slice(2));
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${usage}`);
    return 2;
  }
  if (args.help) console.log(usage);
  else return args.caseSeed === undefined ? run(args) : replay(args, args.caseSeed);
  return 0;
}

async function run({ seconds, cases: mostCases, seed, engine }: Arguments): Promise<number> {
  console.log(`fuzz: seed ${seed}, ${seconds} s, ${engine}, ${readRecordedSessions().length} recorded sessions`);
  const begunMs = performance.now();
  const tolerated = new Map<string, number>();
  const known = new Set<string>();
  let cases = 0;
  let aborts = 0;
  let crashes = 0;
  let heapGrowthBytes = 0;
  const found: FoundCase[] = [];
  await runCampaign({
    engine,
    seed,
    seconds,
    cases: mostCases,
    onResult: (result) => {
      cases += result.cases;
      heapGrowthBytes = Math.max(heapGrowthBytes, result.heapGrowthBytes);
      for (const [name, count] of result.tolerated) tolerated.set(name, (tolerated.get(name) ?? 0) + count);
      for (const [signature, seeds] of result.unstable) {
        console.log(`came and not again (${seeds.length} times, --case ${seeds[0]}): ${signature}`);
      }
      for (const one of result.found.filter(({ finding }) => !known.has(finding.signature))) {
        known.add(one.finding.signature);
        found.push(one);
        console.log(describeFinding(one));
      }
    },
    onAbort: ({ from, cases: length }, assertion) => {
      aborts++;
      console.log(`Node itself aborted the process within the cases ${from} to ${from + length}: ${assertion}`);
    },
    onCrash: ({ from, cases: length }, why) => {
      crashes++;
      console.log(`found: a process died within the cases ${from} to ${from + length}: ${why}`);
    },
  });
  for (const [name, count] of tolerated) console.log(`  tolerated in ${count} cases: ${name}`);
  for (const { finding, fuzzCase, standings } of found) {
    const path = writeFound(foundFolder, finding.text, fuzzCase, standings);
    console.log(`  ${path}: say in it what is expected, and move it to test/suites/fuzz/regressions`);
  }
  const leaks = heapGrowthBytes > heapGrowthMaxBytes ? 1 : 0;
  if (leaks > 0) console.log(`found: the heap has grown by more than ${heapGrowthMaxBytes} bytes`);
  const findings = found.length + crashes + leaks;
  const tookSeconds = Math.round((performance.now() - begunMs) / 1_000);
  const growth = Math.round(heapGrowthBytes / 1_024);
  console.log(
    `fuzz: ${cases} cases, ${findings} findings, ${aborts} aborts within Node itself, heap grown by ${growth} KiB, ` +
      `seed ${seed}, ${engine}, ${tookSeconds} s`,
  );
  return findings > 0 ? 1 : 0;
}

function describeFinding({ finding, original, fuzzCase }: FoundCase): string {
  const lines = [...fuzzCase.opening, ...fuzzCase.steps].map((step) => `    ${JSON.stringify(step).slice(0, 200)}`);
  return [`found: ${finding.text}`, `  --case ${original.seed}; made small:`, ...lines].join("\n");
}

/** One case again, in words. */
async function replay({ engine }: Arguments, seed: number): Promise<number> {
  const fuzzCase = generateCase(seed, readRecordedSessions());
  console.log(`case ${seed}: ${fuzzCase.note}; calls ${JSON.stringify(fuzzCase.calls)}`);
  for (const step of [...fuzzCase.opening, ...fuzzCase.steps]) console.log(`  ${JSON.stringify(step).slice(0, 300)}`);
  console.log("  in frames:");
  for (const frame of readFrames(sentBytes(fuzzCase.steps)).frames) console.log(`    ${describeFrame(frame)}`);
  const arena = await Arena.start();
  try {
    const { findings, plays, tolerated } = await examine(arena, enginesOf({ engine }), fuzzCase);
    for (const play of plays) {
      console.log(
        `${play.engine}: ${play.dialFailure ?? (play.isOver ? "over" : "open")}; told GOAWAY ${play.told.goaways}`,
      );
      for (const { streamId, result, code, progress, message } of play.calls) {
        console.log(
          `  ${streamId}: ${[result, code, progress, message].filter((part) => part !== undefined).join(", ")}`,
        );
      }
    }
    for (const { name, text } of tolerated) console.log(`tolerated: ${text} (${name})`);
    for (const { text } of findings) console.log(`found: ${text}`);
    return findings.length > 0 ? 1 : 0;
  } finally {
    await arena.close();
  }
}
