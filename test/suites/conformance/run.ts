import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Code } from "@connectrpc/connect";
import { goModuleFolder, goTool, hasGo } from "../../support/go-tools.ts";

/*
 * npm run conformance [-- --runs plain,rotating,retrying] [--times N] [--engine node|wire]
 * Connect's conformance suite, client mode, all three protocols over HTTP/2: installs the runner and makes three runs. The lists of known failing
 * and known flaky cases are empty files and stay so.
 */

const version = "v1.0.5";
const root = join(import.meta.dirname, "../../..");
const descriptorSet = join(root, ".cache/conformance.binpb");

const engine = option("engine", "wire");

/** What the transport retries by default. */
const retriedCodes: readonly number[] = [Code.Unavailable, Code.DeadlineExceeded];

interface Outcome {
  readonly total: number;
  readonly failed: readonly string[];
  /** Each case's error code and number of retries. */
  readonly cases: ReadonlyMap<string, { readonly code: number; readonly retries: number }>;
  readonly seconds: number;
}

function runSuite(runner: string, run: string): Outcome {
  const record = join(root, `.cache/conformance-${run}.txt`);
  rmSync(record, { force: true });
  const folder = import.meta.dirname;
  const lists = [
    "--known-failing",
    `@${join(folder, "known-failing.txt")}`,
    "--known-flaky",
    `@${join(folder, "known-flaky.txt")}`,
  ];
  const client = [process.execPath, "--import", "tsx", join(folder, "client.ts"), descriptorSet, run, record, engine];
  const began = Date.now();
  const { stdout, stderr } = spawnSync(
    runner,
    ["--mode", "client", "--conf", join(folder, "config.yaml"), ...lists, "--", ...client],
    { encoding: "utf8", cwd: root, maxBuffer: 2 ** 28 },
  );
  const output = stdout + stderr;
  const total = Number(/Total cases: (\d+)/.exec(output)?.[1] ?? 0);
  if (total === 0) throw new Error(`the runner ran no case:\n${output.slice(0, 4_000)}`);
  const failed = Array.from(output.matchAll(/^FAILED: (.*):$/gm), ([, name = ""]) => name);
  if (run !== "retrying" && failed.length > 0) console.log(output.slice(0, 8_000));
  const lines = readFileSync(record, "utf8").trim().split("\n");
  const cases = new Map(
    lines.map((line) => {
      const [name = "", code, retries] = line.split("\t");
      return [name, { code: Number(code), retries: Number(retries) }];
    }),
  );
  return { total, failed, cases, seconds: (Date.now() - began) / 1_000 };
}

/**
 * With retries, the reference server refuses the second request of a case by design. The cases this may strike are
 * computed: their own expected code, which the plain run has shown, is one that is retried, and it was retried.
 */
function unexpectedFailures(retrying: Outcome, plain: Outcome): string[] {
  const allowed = (name: string) =>
    retriedCodes.includes(plain.cases.get(name)?.code ?? 0) && (retrying.cases.get(name)?.retries ?? 0) > 0;
  return retrying.failed.filter((name) => !allowed(name));
}

function option(name: string, fallback: string): string {
  const index = process.argv.indexOf(`--${name}`);
  return index === -1 ? fallback : (process.argv[index + 1] ?? fallback);
}

if (!hasGo()) {
  console.log("conformance: skipped, Go is not installed");
  process.exit(0);
}
const runner = goTool("connectrpc.com/conformance/cmd/connectconformance", version);
const protos = join(goModuleFolder("connectrpc.com/conformance", version), "proto");
execFileSync(join(root, "node_modules/.bin/buf"), ["build", protos, "-o", descriptorSet], { cwd: root });

const runs = option("runs", "plain,rotating,retrying").split(",");
const times = Number(option("times", "1"));
let passed = 0;
let failed = 0;
for (let time = 0; time < times; time++) {
  const plain = runSuite(runner, "plain");
  for (const run of ["plain", ...runs.filter((name) => name !== "plain")]) {
    const outcome = run === "plain" ? plain : runSuite(runner, run);
    const wrong = run === "retrying" ? unexpectedFailures(outcome, plain) : outcome.failed;
    const excused = outcome.failed.length - wrong.length;
    const note = excused === 0 ? "" : `, ${excused} refused by the server because they were retried`;
    console.log(
      `conformance ${version}, ${engine} engine, ${run}: ${outcome.total} cases, ${wrong.length} failed${note}, ${outcome.seconds.toFixed(1)} s`,
    );
    for (const name of wrong) console.log(`  FAILED ${name}`);
    passed += outcome.total - wrong.length;
    failed += wrong.length;
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
