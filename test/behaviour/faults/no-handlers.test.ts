import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { serverIdentity } from "../../support/certificates.ts";
import { startConnectEcho } from "../../support/echo-server.ts";
import { checkForLeaks } from "../../support/leaks.ts";

checkForLeaks();

const script = fileURLToPath(new URL("careless-client.ts", import.meta.url));

/** Runs the careless client to its own end. */
async function run(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [...process.execArgv, script, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk) => {
    stdout += chunk;
  });
  child.stderr.on("data", (chunk) => {
    stderr += chunk;
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), 60_000);
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  clearTimeout(timer);
  return { code, stdout, stderr };
}

test("no fault of a peer is an uncaught exception in a process without error handlers", async () => {
  assert.deepEqual(await run("faults"), { code: 0, stdout: "all faults survived\n", stderr: "" });
});

for (const [name, baseUrl, tls] of [
  ["plaintext", "http://echo.test", undefined],
  ["TLS", "https://echo.test", serverIdentity],
] as const) {
  test(`an idle ${name} transport that was never closed lets its process end`, async () => {
    const backend = await startConnectEcho(tls === undefined ? {} : { tls });
    try {
      assert.deepEqual(await run("idle", backend.address, baseUrl), { code: 0, stdout: "idle\n", stderr: "" });
    } finally {
      await backend.close();
    }
  });
}
