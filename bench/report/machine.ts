import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus, loadavg, totalmem } from "node:os";
import { root } from "../build.ts";
import { exactVersion } from "../node-versions.ts";

/** Where and with what a report was made: without it the numbers mean nothing. */
export interface Machine {
  readonly date: string;
  /** Of this repository, and whether what was measured differs from it. */
  readonly commit: string;
  readonly command: string;
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  /** Processes that ran or wanted to, on average of the minute before the first measurement. */
  readonly loadAverage: number;
  readonly versions: Readonly<Record<string, string>>;
}

const libraries = ["@connectrpc/connect-node", "@bufbuild/protobuf", "@grpc/grpc-js"];

/** `nodes`: the other Nodes, by their version as it was asked for. */
export function machineOf(
  command: readonly string[],
  goClient: string | undefined,
  nodes: ReadonlyMap<string, string>,
): Machine {
  const versions: Record<string, string> = { node: process.versions.node, nghttp2: process.versions.nghttp2 ?? "" };
  for (const name of libraries) versions[name] = packageVersion(`node_modules/${name}`);
  versions.glink = packageVersion(".");
  if (goClient !== undefined) Object.assign(versions, goVersions(goClient));
  for (const [version, node] of nodes) versions[`node@${version}`] = exactVersion(node);
  return {
    date: new Date().toISOString(),
    commit: commit(),
    command: `npm run ${command[0]}${command.length > 1 ? ` -- ${command.slice(1).join(" ")}` : ""}`,
    processor: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    loadAverage: loadavg()[0] as number,
    versions,
  };
}

function commit(): string {
  const git = (...args: string[]) => execFileSync("git", args, { cwd: root, encoding: "utf8" }).trim();
  const changes = git("status", "--porcelain", "--", "src", "bench", "proto", ":!bench/results");
  return `${git("rev-parse", "--short=12", "HEAD")}${changes === "" ? "" : " with changes"}`;
}

function packageVersion(folder: string): string {
  return (JSON.parse(readFileSync(`${root}${folder}/package.json`, "utf8")) as { version: string }).version;
}

/** `go version -m` reads what a binary was built from. */
function goVersions(binary: string): Record<string, string> {
  const text = execFileSync("go", ["version", "-m", binary], { encoding: "utf8" });
  const go = /: go(\S+)/.exec(text)?.[1] ?? "unknown";
  const grpc = /google\.golang\.org\/grpc\s+v(\S+)/.exec(text)?.[1] ?? "unknown";
  const connect = /connectrpc\.com\/connect\s+v(\S+)/.exec(text)?.[1] ?? "unknown";
  return { go, "grpc-go": grpc, "connect-go": connect };
}
