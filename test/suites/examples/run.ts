import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { codeBlocks } from "../../structure/docs/code-blocks.ts";
import { packPackage, unpackPackage } from "../../support/packed-package.ts";

/*
 * npm run examples, or npm run examples -- fastify nestjs
 * Installs and runs each example as a user would, outside of this repository's node_modules and against the packed package.
 * What was installed is kept in a folder that git ignores, so that only the first run needs a registry.
 */

const root = join(import.meta.dirname, "../../..");
const cache = join(root, ".cache/examples");
const tarball = "glink.tgz";

interface Manifest {
  readonly version?: string;
  readonly dependencies?: Record<string, string>;
  readonly devDependencies?: Record<string, string>;
}

/** As examples/README.md says that a copy is told where glink comes from; here it is the file of this moment. */
function whereGlinkIs(): readonly string[] {
  const told = /^npm (pkg set dependencies\.glink=)\^/m.exec(
    codeBlocks(join(root, "examples/README.md"), "sh").join(""),
  )?.[1];
  if (told === undefined) throw new Error("examples/README.md does not say how a copy finds glink");
  return `${told}file:../${tarball}`.split(" ");
}

const read = (path: string) => readFileSync(path, "utf8");
const manifestOf = (folder: string) => JSON.parse(read(join(folder, "package.json"))) as Manifest;

/** What a program printed, and whether it did as it should. */
interface Run {
  readonly ok: boolean;
  readonly output: string;
}

function run(folder: string, program: string, ...args: string[]): Run {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd: folder, encoding: "utf8", timeout: 120_000 });
  return { ok: status === 0, output: stdout + stderr };
}

/** Copies the examples, and beside them the package; glink is that from here on. */
function prepare(): void {
  mkdirSync(cache, { recursive: true });
  const isOurs = (path: string) => !["node_modules", "package-lock.json"].includes(basename(path));
  cpSync(join(root, "examples"), cache, { recursive: true, filter: isOurs });
  const packed = packPackage(cache).tarball;
  cpSync(packed, join(cache, tarball));
  rmSync(packed);
}

/** Installs what an example needs, unless that is there already. */
function install(folder: string): Run {
  const told = run(folder, "npm", ...whereGlinkIs());
  if (!told.ok) return told;
  const { dependencies, devDependencies } = manifestOf(folder);
  const needed = { ...dependencies, ...devDependencies };
  const isThere = Object.entries(needed).every(([name, version]) => {
    const installed = join(folder, "node_modules", name);
    return existsSync(installed) && (version.startsWith("file:") || manifestOf(installed).version === version);
  });
  const done = isThere ? { ok: true, output: "" } : run(folder, "npm", "install", "--prefer-offline");
  if (!done.ok) return done;
  // The files of this moment, whatever npm kept.
  if ("glink" in needed) unpackPackage(join(cache, tarball), join(folder, "node_modules/glink"));
  if ("greeter" in needed) cpSync(join(cache, "greeter"), join(folder, "node_modules/greeter"), { recursive: true });
  return done;
}

const offline = /E(NOTFOUND|AI_AGAIN|CONNREFUSED|TIMEDOUT|NETUNREACH|NOTCACHED)/;

/** Checks beyond `npm start`: types, and that the documents say what the examples do. */
function furtherChecks(name: string, folder: string): Run[] {
  const checks: Run[] = [];
  if (existsSync(join(folder, "tsconfig.json"))) {
    checks.push(run(folder, process.execPath, join(root, "node_modules/typescript/bin/tsc"), "-p", "."));
  }
  if (name === "from-zero") checks.push(stubIsCurrent(folder));
  if (name === "kubernetes") checks.push(manifestsOfGuide(folder));
  return checks;
}

/** The stub that the other examples share is made of the proto file of this one. */
function stubIsCurrent(folder: string): Run {
  const file = "examples/greet/v1/greet_pb";
  const descriptor = (path: string) => /fileDesc\("([^"]+)"/.exec(read(path))?.[1] ?? path;
  const fresh = descriptor(join(folder, `gen/${file}.ts`));
  const stale = ["esm", "cjs"].filter((kind) => descriptor(join(cache, `greeter/gen/${kind}/${file}.js`)) !== fresh);
  return { ok: stale.length === 0, output: `greeter/gen is stale: run buf generate in examples/greeter: ${stale}` };
}

function manifestsOfGuide(folder: string): Run {
  const files = codeBlocks(join(root, "docs/kubernetes.md"), "yaml").map((text, index) => {
    const name = `guide-${index + 1}.yaml`;
    writeFileSync(join(folder, name), text);
    return name;
  });
  return run(folder, process.execPath, "check.js", ...files);
}

const wanted = process.argv.slice(2);
prepare();
const names = readdirSync(cache).filter((name) => {
  const path = join(cache, name, "package.json");
  const isExample = existsSync(join(root, "examples", name)) && existsSync(path) && read(path).includes('"start"');
  return isExample && (wanted.length === 0 || wanted.includes(name));
});

let failed = 0;
let skipped = 0;
for (const name of names) {
  const folder = join(cache, name);
  const begunMs = performance.now();
  const installed = install(folder);
  if (!installed.ok && offline.test(installed.output)) {
    skipped++;
    console.log(`examples, ${name}: skipped, no registry can be reached and npm's cache lacks what it needs`);
    continue;
  }
  const installedMs = performance.now();
  const runs = installed.ok ? [run(folder, "npm", "start", "--silent"), ...furtherChecks(name, folder)] : [installed];
  const problem = runs.find(({ ok }) => !ok);
  const seconds = (fromMs: number, toMs: number) => ((toMs - fromMs) / 1_000).toFixed(1);
  const times = `installed in ${seconds(begunMs, installedMs)} s, ran in ${seconds(installedMs, performance.now())} s`;
  console.log(`examples, ${name}: ${problem === undefined ? "works" : "FAILED"}, ${times}`);
  if (problem === undefined) continue;
  failed++;
  console.log(problem.output);
}
console.log(`${names.length - failed - skipped} passed, ${failed} failed, ${skipped} skipped`);
process.exitCode = failed === 0 ? 0 : 1;
