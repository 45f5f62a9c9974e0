import { spawn } from "node:child_process";
import { join } from "node:path";
import { chosenEngines, type EngineName } from "../../support/engines.ts";
import { goTool, hasGo } from "../../support/go-tools.ts";
import { engines } from "../../unit/http2/wire/engine.ts";
import { startClient } from "./client.ts";

/*
 * npm run h2spec [-- --engine node|wire|both]
 * h2spec's suite for HTTP/2 clients, over h2c and TLS. Default: the wire engine.
 */

const version = "v2.2.1+incompatible";
const cases = 57;
/** h2specd listens on this port and on the next ones, one for each case. Below those that the system hands out. */
const firstPort = 30_000;

/** How many cases of a run may fail, and why. */
const allowed: Readonly<Record<EngineName, { readonly failures: number; readonly reason: string }>> = {
  wire: { failures: 0, reason: "" },
  node: {
    failures: 8,
    reason:
      "nghttp2 ignores frames on streams that it has forgotten, and Node ends a session at a PING ACK that nobody waits " +
      "for, at times before the GOAWAY has left",
  },
};

interface Report {
  readonly passed: number;
  readonly failed: number;
  /** What h2specd says of the cases that failed. */
  readonly failures: string;
}

function runSuite(program: string, tls: boolean, clientPort: number): Promise<Report> {
  const certs = join(import.meta.dirname, "../../support/certs");
  const secure = ["--tls", "--cert-file", `${certs}/server.pem`, "--cert-key-file", `${certs}/server.key.pem`];
  // h2specd splits the command at spaces: no path may be in it.
  const command = `node relay.mjs ${clientPort}`;
  const child = spawn(program, ["--exec", command, "--from-port", String(firstPort), ...(tls ? secure : [])], {
    cwd: import.meta.dirname,
    stdio: ["ignore", "pipe", "inherit"],
  });
  return new Promise((resolve, reject) => {
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      const summary = /(\d+) tests, (\d+) passed, \d+ skipped, \d+ failed/.exec(output);
      if (summary === null) return;
      // What follows is a flood: its listeners are closed, and each says so for ever.
      child.stdout.removeAllListeners("data").resume();
      child.kill("SIGKILL");
      const passed = Number(summary[2]);
      const failures = /Failures: \s*([\s\S]*?)\nFinished/.exec(output)?.[1] ?? "";
      if (Number(summary[1]) === cases) resolve({ passed, failed: cases - passed, failures });
      else reject(new Error(`h2specd ran ${summary[1]} cases of ${cases}`));
    });
    child.once("error", reject);
    child.once("close", () => reject(new Error(`h2specd ended without a summary:\n${output.slice(-4_000)}`)));
  });
}

const chosen = chosenEngines("wire");
if (!hasGo()) {
  console.log("h2spec: skipped, Go is not installed");
  process.exit(0);
}
const program = goTool("github.com/summerwind/h2spec/cmd/h2specd", version);
let passed = 0;
let failed = 0;
for (const name of chosen) {
  const engine = engines.find((one) => one.name === name);
  if (engine === undefined) throw new Error(`there is no engine "${name}"`);
  const client = await startClient(engine);
  try {
    for (const tls of [false, true]) {
      const begunMs = performance.now();
      const report = await runSuite(program, tls, client.port);
      const seconds = ((performance.now() - begunMs) / 1_000).toFixed(1);
      const { failures, reason } = allowed[name];
      console.log(
        `h2spec ${version}, ${name} engine, ${tls ? "TLS" : "h2c"}: ${report.passed} of ${cases}, ${seconds} s` +
          (failures > 0 ? ` (up to ${failures} may fail: ${reason})` : ""),
      );
      const unexpected = Math.max(0, report.failed - failures);
      if (unexpected > 0) console.log(report.failures);
      passed += cases - unexpected;
      failed += unexpected;
    }
  } finally {
    await client.close();
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
