import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";

const cache = join(import.meta.dirname, "../../.cache");

/** True where `go` is on PATH. */
export function hasGo(): boolean {
  return spawnSync("go", ["version"]).status === 0;
}

/** Installs a Go program, once, into a folder that git ignores, and returns its path. */
export function goTool(module: string, version: string): string {
  const name = module.slice(module.lastIndexOf("/") + 1);
  const folder = join(cache, "go", `${name}-${version}`);
  const path = join(folder, name);
  if (!existsSync(path)) {
    console.log(`installing ${module}@${version}`);
    mkdirSync(folder, { recursive: true });
    execFileSync("go", ["install", `${module}@${version}`], {
      env: { ...process.env, GOBIN: folder },
      stdio: "inherit",
    });
  }
  return path;
}

/** The folder of a Go module's sources. */
export function goModuleFolder(module: string, version: string): string {
  const { Dir } = JSON.parse(
    execFileSync("go", ["mod", "download", "-json", `${module}@${version}`], { encoding: "utf8" }),
  );
  return Dir as string;
}
