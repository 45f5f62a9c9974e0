import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, symlinkSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The repository. */
export const root = fileURLToPath(new URL("..", import.meta.url));

/** Where everything that is built or downloaded for the benchmarks goes. */
export const cache = `${root}.cache/bench`;

/** What `path`, below the repository, was built to: measured processes run plain JavaScript, not a loader. */
export function built(path: string): string {
  return `${cache}/${path.replace(/\.ts$/, ".js")}`;
}

/** Compiles src/ and bench/ as they are now. Types are checked elsewhere. */
export function build(): void {
  compile(root);
}

/**
 * Compiles them as they were at a commit of this repository, with the packages that are installed now, and returns the
 * root of what was built. Throws an error of git's for a commit that does not exist.
 */
export function buildBefore(commit: string): string {
  const tree = `${cache}/before/`;
  rmSync(tree, { recursive: true, force: true });
  mkdirSync(tree, { recursive: true });
  const archive = execFileSync("git", ["archive", commit], { cwd: root, maxBuffer: 2 ** 30 });
  execFileSync("tar", ["-x", "-C", tree], { input: archive });
  symlinkSync(`${root}node_modules`, `${tree}node_modules`);
  compile(tree);
  return tree;
}

function compile(tree: string): void {
  execFileSync(process.execPath, [`${root}node_modules/typescript/bin/tsc`, "-p", `${tree}bench/tsconfig.json`], {
    stdio: ["ignore", "inherit", "inherit"],
  });
}
