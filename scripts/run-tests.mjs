// Runs the test files with Node's own runner, transpiled so that Node 20 understands them. Arguments name files or folders
// below test/; without any, all of them run. Each has a process of its own, but for those of one folder that open nothing
// and so have no need to check for leaks: they share one, because starting it takes longer than what most do. `--engine node` runs the tests of behaviour on that HTTP/2 engine instead of
// the default one; other flags go to the runner.
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join, relative, sep } from "node:path";
import { pathToFileURL } from "node:url";
import { transpile, transpiledPath } from "./transpile.mjs";

/** Far beyond what all of them take: a test that hangs may leave its process hanging, and the runner waits for that. */
const timeoutMs = 20 * 60_000;

/** For a test, and for all tests of a file together: far beyond what they take, on slow machines too. */
const testTimeoutMs = 5 * 60_000;

/** Files at a time. Many wait for real clocks and real processes, and leave the processor to another. */
const concurrency = availableParallelism() + 1;

/** For the programs that import what shares a process, of this run alone. */
const sharedFolder = `.cache/shared-${process.pid}`;

const given = process.argv.slice(2);
const engineAt = given.indexOf("--engine");
const engine = engineAt === -1 ? [] : given.splice(engineAt, 2).slice(1);
const roots = given.filter((argument) => !argument.startsWith("-"));
const flags = given.filter((argument) => argument.startsWith("-"));
const files = (roots.length === 0 ? ["test"] : roots).flatMap(testFiles).sort();
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
    ...programs(files),
  ],
  {
    stdio: "inherit",
    timeout: timeoutMs,
    env: { ...process.env, ...(engine.length === 0 ? {} : { GLINK_TEST_ENGINE: engine[0] }) },
  },
);
rmSync(sharedFolder, { recursive: true });
if (signal !== null)
  console.error(`the test runner was ended with ${signal}, after ${timeoutMs / 60_000} minutes or by somebody else`);
process.exit(status ?? 1);

function testFiles(path) {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { recursive: true })
    .filter((name) => name.endsWith(".test.ts"))
    .map((name) => join(path, name));
}

/** What the runner starts a process for, each the path of a JavaScript file. */
function programs(files) {
  const folders = new Map();
  for (const file of files.filter(mayShare)) folders.set(dirname(file), [...(folders.get(dirname(file)) ?? []), file]);
  mkdirSync(sharedFolder, { recursive: true });
  const shared = Array.from(folders, ([folder, sharing]) => {
    const path = join(sharedFolder, `${relative("test", folder).replaceAll(sep, "-")}.js`);
    const imports = sharing.map((file) => `import ${JSON.stringify(pathToFileURL(transpiledPath(file)).href)};\n`);
    writeFileSync(path, imports.join(""));
    return path;
  });
  return [...files.filter((file) => !mayShare(file)).map(transpiledPath), ...shared];
}

/** Whether a file's tests leave nothing that those of another could meet: what opens something says so. */
function mayShare(file) {
  return file.startsWith(join("test", "unit")) && !/\b(checkForLeaks|before|after)\(/.test(readFileSync(file, "utf8"));
}
