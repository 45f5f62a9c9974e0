import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");

/** The package as it would be published. */
export interface PackedPackage {
  readonly tarball: string;
  /** Paths of what it holds. */
  readonly files: readonly string[];
}

/** Builds the package, unless nothing has changed since it was built, and packs it into `folder`. */
export function packPackage(folder: string): PackedPackage {
  if (!isBuilt()) npm(root, "run", "build");
  const [packed] = JSON.parse(npm(root, "pack", "--json", "--ignore-scripts", "--pack-destination", folder)) as [
    { filename: string; files: { path: string }[] },
  ];
  return { tarball: join(folder, packed.filename), files: packed.files.map(({ path }) => path) };
}

/** What a build is made of. A folder changes with the names in it. */
const ingredients = [
  "src",
  "scripts/build.mjs",
  "package.json",
  "package-lock.json",
  "tsconfig.json",
  "tsconfig.build.json",
];

function isBuilt(): boolean {
  // What a build writes last.
  const builtMs = changedMs("dist/cjs/index.js");
  const sources = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" }).map((name) =>
    join("src", name),
  );
  return [...ingredients, ...sources].every((path) => changedMs(path) < builtMs);
}

function changedMs(path: string): number {
  return statSync(join(root, path), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** Puts what a tarball holds into `folder`, as npm would, in the place of what was there. */
export function unpackPackage(tarball: string, folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  execFileSync("tar", ["-xzf", tarball, "--strip-components=1", "-C", folder]);
}

/** Runs npm in `folder`, returns what it printed, and throws with all of its output when it fails. */
export function npm(folder: string, ...args: string[]): string {
  // The npm that runs this is a program of Node's own everywhere; on Windows the command `npm` is a script of the shell's.
  const program = process.env.npm_execpath;
  const [command, first] = program === undefined ? ["npm", []] : [process.execPath, [program]];
  return execFileSync(command, [...first, ...args], {
    cwd: folder,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
}
