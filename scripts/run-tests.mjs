// Runs the test files with Node's own runner, transpiled so that Node 20 understands them. Arguments name files or folders
// below test/; without any, all of them run. Each has a process of its own, but for those of one folder that open nothing
// and so have no need to check for leaks: they share one, because starting it takes longer than what most do. What failed is
// repeated at the end. `--engine node` runs the tests of behaviour on that HTTP/2 engine instead of the default one;
// `--second-chance` runs files that failed once more, one at a time, where they are few, and says which tests passed only then;
// `--test-reporter=NAME` is how the rest is reported; other flags go to the runner.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
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

/** More files than this do not fail because the machine was busy. */
const secondChanceFiles = 10;

/** Whether Node prints "spec" where nobody looks on, too: from Node 23 on. */
const newestReporter = Number(process.versions.node.split(".")[0]) >= 23;

/** For the programs that import what shares a process, of this run alone. */
const sharedFolder = `.cache/shared-${process.pid}`;

const given = process.argv.slice(2);
const engineAt = given.indexOf("--engine");
const engine = engineAt === -1 ? [] : given.splice(engineAt, 2).slice(1);
const secondChanceAt = given.indexOf("--second-chance");
const secondChance = secondChanceAt !== -1 && given.splice(secondChanceAt, 1).length === 1;
const reporterAt = given.findIndex((argument) => argument.startsWith("--test-reporter="));
const [chosenReporter] = reporterAt === -1 ? [] : given.splice(reporterAt, 1).map((argument) => argument.split("=")[1]);
const roots = given.filter((argument) => !argument.startsWith("-"));
const flags = given.filter((argument) => argument.startsWith("-"));
const files = (roots.length === 0 ? ["test"] : roots).flatMap(testFiles).sort();
/** What a program that is JavaScript was made of. */
const sources = new Map();
await transpile();
let outcome = run(programs(files), concurrency);
if (outcome.failed.length > 0) {
  print("failed", outcome.failed);
  const unsteady = outcome.failed;
  const again = [...new Set(unsteady.flatMap(sourcesOf))];
  if (secondChance && again.length <= secondChanceFiles) {
    outcome = run(programs(again), 1);
    print("failed twice", outcome.failed);
    print("failed in company and passed alone: it is unsteady, and wants mending", unsteady.filter(passedAlone));
  }
}
rmSync(sharedFolder, { recursive: true });
process.exit(outcome.status);

/** The test files of a failure: of a program that ended before its tests did the runner knows only the JavaScript. */
function sourcesOf({ file }) {
  return sources.get(relative(".", file)) ?? [relative(".", file)];
}

function passedAlone({ name, file }) {
  return !outcome.failed.some((other) => other.name === name && other.file === file);
}

function run(paths, atATime) {
  const failures = join(sharedFolder, "failed");
  const { status, signal } = spawnSync(
    process.execPath,
    [
      "--enable-source-maps",
      "--expose-gc",
      `--test-timeout=${testTimeoutMs}`,
      `--test-concurrency=${atATime}`,
      ...reporter("stdout", chosenReporter ?? (process.stdout.isTTY || newestReporter ? "spec" : "tap")),
      ...reporter(failures, new URL("failed-tests.mjs", import.meta.url).href),
      ...flags,
      "--test",
      ...paths,
    ],
    {
      stdio: "inherit",
      timeout: timeoutMs,
      env: { ...process.env, ...(engine.length === 0 ? {} : { GLINK_TEST_ENGINE: engine[0] }) },
    },
  );
  if (signal !== null)
    console.error(`the test runner was ended with ${signal}, after ${timeoutMs / 60_000} minutes or by somebody else`);
  const lines = existsSync(failures) ? readFileSync(failures, "utf8").split("\n").filter(Boolean) : [];
  return { status: status ?? 1, failed: lines.map((line) => JSON.parse(line)) };
}

function reporter(destination, name) {
  return [`--test-reporter=${name}`, `--test-reporter-destination=${destination}`];
}

/** Tests and why they failed, where those who look for them look first: at the end. */
function print(what, failed) {
  for (const { name, file, why } of failed)
    console.error(`\n${what}: ${name}\n  in ${relative(".", file)}\n  ${why.replaceAll("\n", "\n  ")}`);
}

function testFiles(path) {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { recursive: true })
    .filter((name) => name.endsWith(".test.ts"))
    .map((name) => join(path, name));
}

/** What the runner starts a process for, each the path of a JavaScript file. */
function programs(files) {
  const folders = new Map();
  for (const file of files) {
    const path = mayShare(file) ? dirname(file) : file;
    folders.set(path, [...(folders.get(path) ?? []), file]);
  }
  mkdirSync(sharedFolder, { recursive: true });
  return Array.from(folders, ([path, group]) => {
    const program = path === group[0] ? transpiledPath(path) : sharedProgram(path, group);
    sources.set(program, group);
    return program;
  });
}

function sharedProgram(folder, files) {
  const path = join(sharedFolder, `${relative("test", folder).replaceAll(sep, "-")}.js`);
  const imports = files.map((file) => `import ${JSON.stringify(pathToFileURL(transpiledPath(file)).href)};\n`);
  writeFileSync(path, imports.join(""));
  return path;
}

/** Whether a file's tests leave nothing that those of another could meet: what opens something says so. */
function mayShare(file) {
  return file.startsWith(join("test", "unit")) && !/\b(checkForLeaks|before|after)\(/.test(readFileSync(file, "utf8"));
}
