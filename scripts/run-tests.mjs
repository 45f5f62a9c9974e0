// Runs the test files with Node's own runner, through tsx so that Node 20 understands TypeScript. Arguments name files
// or folders below test/; without any, all of them run.
import { spawnSync } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";

const roots = process.argv.slice(2).filter((argument) => !argument.startsWith("-"));
const flags = process.argv.slice(2).filter((argument) => argument.startsWith("-"));
const files = (roots.length === 0 ? ["test"] : roots).flatMap(testFiles).sort();
const { status, signal } = spawnSync(
  process.execPath,
  ["--import", "tsx", "--expose-gc", "--test-timeout=120000", "--test-concurrency=2", ...flags, "--test", ...files],
  { stdio: "inherit" },
);
if (signal !== null) console.error(`the test runner ended with ${signal}`);
process.exit(status ?? 1);

function testFiles(path) {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { recursive: true })
    .filter((name) => name.endsWith(".test.ts"))
    .map((name) => join(path, name));
}
