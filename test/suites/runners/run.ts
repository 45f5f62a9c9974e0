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

/** A user's project, whose runner and peers are installed once, into a folder that git ignores. */
function createProject({ name, version, format, usage, firstTests }: Runner, tarball: string): string {
  const folder = join(cache, `${name}-${version}`);
  mkdirSync(folder, { recursive: true });
  const type = format === "esm" ? "module" : "commonjs";
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "user", private: true, type }));
  if (!existsSync(join(folder, "node_modules", name))) {
    const packages = [`${name}@${version}`, ...peers.map((peer) => `${peer}@${devDependencies[peer]}`)];
    npm(folder, "install", "--no-save", "--no-audit", "--no-fund", "--no-package-lock", ...packages);
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
const node = Number(process.versions.node.split(".")[0]);
let failed = 0;
for (const runner of runners) {
  const { name, version, command, sinceNode = 20 } = runner;
  if (node < sinceNode) {
    console.log(`runners, ${name} ${version}: skipped, it needs Node ${sinceNode}`);
    continue;
  }
  const folder = createProject(runner, packed.tarball);
  const [program = "", ...args] = command;
  const { status, stdout, stderr } = spawnSync(process.execPath, [join("node_modules", program), ...args], {
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
