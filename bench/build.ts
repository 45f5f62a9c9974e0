import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";

/** The repository. */
export const root = join(import.meta.dirname, "../");

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
  const tree = emptyTree("before");
  checkOut(commit, tree);
  symlinkSync(`${root}node_modules`, `${tree}node_modules`);
  compile(tree);
  return tree;
}

/**
 * The same for trees that are loaded into one process, `name` telling them apart: each has packages of its own, because
 * what one tree's calls teach the compiler about a shared function would slow the other's down. Without a commit: the
 * files as they are now.
 */
export function buildAlone(name: string, commit?: string): string {
  const tree = emptyTree(name);
  if (commit !== undefined) checkOut(commit, tree);
  else for (const part of ownParts) cpSync(`${root}${part}`, `${tree}${part}`, { recursive: true });
  for (const scope of ["@connectrpc", "@bufbuild"]) {
    cpSync(`${root}node_modules/${scope}`, `${tree}node_modules/${scope}`, { recursive: true });
  }
  compile(tree);
  return tree;
}

/** What of the repository a benchmark is compiled from. */
const ownParts = ["src", "bench", "proto", "package.json", "tsconfig.json"];

function emptyTree(name: string): string {
  const tree = `${cache}/${name}/`;
  rmSync(tree, { recursive: true, force: true });
  mkdirSync(tree, { recursive: true });
  return tree;
}

function checkOut(commit: string, tree: string): void {
  const archive = execFileSync("git", ["archive", commit], { cwd: root, maxBuffer: 2 ** 30 });
  execFileSync("tar", ["-x", "-C", tree], { input: archive });
}

function compile(tree: string): void {
  execFileSync(process.execPath, [`${root}node_modules/typescript/bin/tsc`, "-p", `${tree}bench/tsconfig.json`], {
    stdio: ["ignore", "inherit", "inherit"],
  });
}
