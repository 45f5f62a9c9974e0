// Runs the test files with Node's own runner, transpiled so that Node 20 understands them. Arguments name files or folders
// below test/; without any, all of them run. `--engine node` runs the tests of behaviour on that HTTP/2 engine instead of
// the default one; other flags go to the runner.
import { spawnSync } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { transpile, transpiledPath } from "./transpile.mjs";

/** Far beyond what all of them take: a test that hangs may leave its process hanging, and the runner waits for that. */
const timeoutMs = 20 * 60_000;

/** For a test, and for all tests of a file together: far beyond what they take, on slow machines too. */
const testTimeoutMs = 5 * 60_000;

/** Files at a time. Many wait for real clocks and real processes, and leave the processor to another. */
const concurrency = availableParallelism() + 1;

const given = process.argv.slice(2);
const engineAt = given.indexOf("--engine");
const engine = engineAt === -1 ? [] : given.splice(engineAt, 2).slice(1);
const roots = given.filter((argument) => !argument.startsWith("-"));
const flags = given.filter((argument) => argument.startsWith("-"));
const files = (roots.length === 0 ? ["test"] : roots).flatMap(testFiles).map(transpiledPath);
await transpile();
const { status, signal } = spawnSync(
  process.execPath,
  [
    "--enable-source-maps",
    "--expose-gc",
    `--test-timeout=${testTimeoutMs}`,
    `--test-concurrency=${concurrency}`,
    ...flags,
    "--test",
    ...files.sort(),
  ],
  {
    stdio: "inherit",
    timeout: timeoutMs,
    env: { ...process.env, ...(engine.length === 0 ? {} : { GLINK_TEST_ENGINE: engine[0] }) },
  },
);
if (signal !== null)
  console.error(`the test runner was ended with ${signal}, after ${timeoutMs / 60_000} minutes or by somebody else`);
process.exit(status ?? 1);

function testFiles(path) {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { recursive: true })
    .filter((name) => name.endsWith(".test.ts"))
    .map((name) => join(path, name));
}
