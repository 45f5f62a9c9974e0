import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { createClient } from "@connectrpc/connect";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { glinkTransport } from "../../../src/index.ts";
import { startConnectEcho } from "../../support/echo-server.ts";
import { chosenEngines, type EngineName } from "../../support/engines.ts";
import { freePort, hasProgram, Programs } from "../../support/programs.ts";
import { type Intermediary, intermediaries } from "./intermediaries.ts";

/*
 * node --import tsx test/suites/intermediaries/run.ts [--engine node|wire|both] [--install]
 * Calls through proxies that others wrote, with a reload of each in the middle: none may fail. What is not installed is
 * skipped, or installed from Debian with --install. Default: the wire engine.
 */

const calls = 2_000;
/** Calls open at a time. Fewer than nginx takes on one connection: a call that it refuses has room on the next one. */
const concurrency = 20;

function install(): void {
  const packages = intermediaries.filter(({ program }) => !hasProgram(program)).map(({ packageName }) => packageName);
  if (packages.length === 0) return;
  const environment = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  for (const args of [["update"], ["install", "-y", "--no-install-recommends", ...packages]]) {
    execFileSync("apt-get", args, { env: environment, stdio: ["ignore", "ignore", "inherit"] });
  }
}

/** Makes all calls, so many at a time. Resolves with what went wrong. */
async function inTurn(call: (index: number) => Promise<void>): Promise<unknown[]> {
  const errors: unknown[] = [];
  let next = 0;
  const caller = async () => {
    while (next < calls) await call(next++).catch((error: unknown) => errors.push(error));
  };
  await Promise.all(Array.from({ length: concurrency }, caller));
  return errors;
}

/** Makes the calls through one proxy and returns what went wrong. */
async function run(engine: EngineName, intermediary: Intermediary): Promise<string[]> {
  const programs = new Programs();
  const backend = await startConnectEcho();
  const port = await freePort();
  const folder = join(import.meta.dirname, "../../../.cache/intermediaries", intermediary.program);
  const child = await programs.start(intermediary.program, intermediary.configure(folder, port, backend.port), port);
  const transport = glinkTransport({ http2: engine, baseUrl: `http://127.0.0.1:${port}` });
  let connections = 0;
  let repeated = 0;
  const unsubscribe = transport.subscribe((event) => {
    if (event.type === "subchannel-state" && event.to === "ready") connections++;
    if (event.type === "attempt-failed" && event.retryDelayMs !== undefined) repeated++;
  });
  try {
    const client = createClient(EchoService, transport);
    const call = async (index: number) => {
      if (index === calls / 2) child.kill(intermediary.reloadSignal);
      const behavior = { delayMs: 5, requestId: `call ${index}` };
      if (index % 10 > 0) {
        await client.unary({ text: "through a proxy", behavior }, { timeoutMs: 10_000 });
        return;
      }
      let received = 0;
      for await (const _ of client.serverStream({ count: 5, messageBytes: 100, behavior }, { timeoutMs: 10_000 }))
        received++;
      if (received !== 5) throw new Error(`a stream of 5 messages brought ${received}`);
    };
    const begunMs = performance.now();
    const errors = await inTurn(call);
    const seconds = ((performance.now() - begunMs) / 1_000).toFixed(1);
    const twice = [...backend.counters.byRequestId.values()].filter((times) => times > 1).length;
    console.log(
      `intermediaries, ${engine} engine, ${intermediary.name}, ${intermediary.version()}: ${calls} calls, ${errors.length} failed, ` +
        `${twice} executed twice, ${connections} connections, ${repeated} attempts repeated, ${seconds} s`,
    );
    const wrong = errors.slice(0, 5).map(String);
    if (connections < intermediary.minConnections) wrong.push(`${connections} connections: it was not reloaded`);
    return wrong;
  } finally {
    unsubscribe();
    await transport.close({ timeoutMs: 0 });
    await programs.close();
    await backend.close();
  }
}

const engines = chosenEngines("wire");
if (process.argv.includes("--install")) install();
let passed = 0;
let failed = 0;
for (const intermediary of intermediaries) {
  if (!hasProgram(intermediary.program)) {
    console.log(`intermediaries, ${intermediary.name}: skipped, ${intermediary.program} is not installed`);
    continue;
  }
  for (const engine of engines) {
    const wrong = await run(engine, intermediary);
    for (const line of wrong) console.log(`  FAILED ${engine} engine, ${intermediary.name}: ${line}`);
    if (wrong.length === 0) passed++;
    else failed++;
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
