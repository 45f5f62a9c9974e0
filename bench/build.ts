import { execFileSync } from "node:child_process";
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
  execFileSync(process.execPath, [`${root}node_modules/typescript/bin/tsc`, "-p", `${root}bench/tsconfig.json`], {
    stdio: ["ignore", "inherit", "inherit"],
  });
}
