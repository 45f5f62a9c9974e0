// Runs a program of the tests, and every process that it starts, without loading TypeScript in each of them:
// node --enable-source-maps scripts/run-transpiled.mjs test/suites/chaos/run.ts --seed 1
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { transpile, transpiledPath } from "./transpile.mjs";

await transpile();
const [program] = process.argv.splice(2, 1);
const path = resolve(join(import.meta.dirname, ".."), transpiledPath(program));
process.argv[1] = path;
await import(pathToFileURL(path).href);
