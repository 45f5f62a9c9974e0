import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { buildSync } from "esbuild";
import { codeBlocks } from "../../structure/docs/code-blocks.ts";
import { startConnectEcho } from "../../support/echo-server.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { freePort } from "../../support/programs.ts";

checkForLeaks();

const root = join(import.meta.dirname, "../../..");
const run = promisify(execFile);

/** What a user does after the guide's program: two calls, and a look at what it serves. */
const use = (port: number) => `
import { createClient } from "@connectrpc/connect";
import { EchoService } from "./proto/gen/glink/demo/v1/echo_pb.js";
const client = createClient(EchoService, transport);
await client.unary({});
await client.unary({});
const scrape = await fetch("http://127.0.0.1:${port}/metrics");
console.log(scrape.headers.get("content-type"));
console.log(await scrape.text());
process.exit();
`;

test("the guide's program, as it stands, serves the metrics of its calls", async () => {
  const [snippet = ""] = codeBlocks(join(root, "docs/observability.md"), "ts");
  assert.ok(snippet.split("\n").length <= 15, "a few lines");
  const backend = await startConnectEcho();
  const port = await freePort();
  mkdirSync(join(root, ".cache"), { recursive: true });
  const folder = mkdtempSync(join(root, ".cache/snippet-"));
  try {
    const outfile = join(folder, "program.mjs");
    const here = snippet.replace("echo.default.svc.cluster.local:50051", backend.address).replace("9464", `${port}`);
    const alias = { glink: join(root, "src/index.ts"), "glink/prometheus": join(root, "src/prometheus/index.ts") };
    buildSync({
      stdin: { contents: here + use(port), loader: "ts", resolveDir: root },
      ...{ bundle: true, platform: "node", format: "esm", packages: "external", alias, outfile },
    });
    const { stdout } = await run(process.execPath, [outfile]);
    assert.match(stdout, /^text\/plain; version=0\.0\.4/);
    assert.match(stdout, /^glink_calls_ended_total\{grpc_target="[^"]+",grpc_status="OK"\} 2$/m);
    assert.match(
      stdout,
      /^rpc_client_call_duration_seconds_count\{[^}]*rpc_method="glink\.demo\.v1\.EchoService\/Unary"[^}]*\} 2$/m,
    );
  } finally {
    rmSync(folder, { recursive: true });
    await backend.close();
  }
});
