import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { promisify } from "node:util";
import { chosenEngines, type EngineName } from "../../support/engines.ts";
import { hasProgram } from "../../support/programs.ts";
import type { ClientReport } from "../families/client.ts";
import { type End, makeNetworks, type Networks, whyNoNetworks } from "../families/networks.ts";

/*
 * node --import tsx test/suites/loss/run.ts [--engine node|wire|both]
 * A network that loses packets at random, either way, DNS included: in network namespaces, with nft, for root on Linux. No
 * call may fail: TCP sends again, and calls are only slower. Default: both engines.
 */

const runMs = 4_000;
/** TCP waits ever longer before it sends again: the deadline is for what hangs. */
const timeoutMs = 60_000;
const lossPercents = [5, 20];

const client = "10.77.0.1";
const pods = ["10.77.0.11", "10.77.0.12"];
const nameServer = "10.77.0.53";

const families = join(import.meta.dirname, "../families");
const script = (name: string) => [process.execPath, "--import", "tsx", join(families, name)];

/** Drops what comes in at one end. */
function lose(networks: Networks, end: End, percent: number): void {
  const rules = `table inet loss {
    chain in {
      type filter hook input priority 0;
      numgen random mod 100 < ${percent} counter drop
    }
  }`;
  nft(networks, end, ["-f", "-"], rules);
}

/** Packets that one end has dropped. */
function droppedAt(networks: Networks, end: End): number {
  return Number(/counter packets (\d+)/.exec(nft(networks, end, ["list", "ruleset"]))?.[1]);
}

function nft(networks: Networks, end: End, args: readonly string[], input = ""): string {
  const [command, ...more] = networks.command(end, ["nft", ...args], nameServer);
  return execFileSync(command, more, { input, encoding: "utf8" });
}

async function startServers(networks: Networks): Promise<ChildProcess> {
  const lists = [nameServer, pods.join(), pods.join()];
  const [command, ...args] = networks.command("server", [...script("server.ts"), ...lists], nameServer);
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"] });
  const [first] = (await Promise.race([once(child.stdout, "data"), once(child, "exit")])) as [unknown];
  if (String(first).trim() !== "ready") throw new Error(`the servers did not start: ${String(first)}`);
  return child;
}

/** What is wrong with calls through such a network, in words. */
async function play(percent: number, engine: EngineName): Promise<string[]> {
  const networks = makeNetworks();
  let servers: ChildProcess | undefined;
  try {
    for (const address of [...pods, nameServer])
      networks.ip("server", "address", "add", `${address}/24`, "dev", "cable");
    networks.ip("client", "address", "add", `${client}/24`, "dev", "cable");
    servers = await startServers(networks);
    for (const end of ["client", "server"] as const) lose(networks, end, percent);
    const program = [...script("client.ts"), engine, String(runMs), nameServer, String(timeoutMs)];
    const [command, ...args] = networks.command("client", program, nameServer);
    const { stdout } = await promisify(execFile)(command, args, { timeout: 2 * timeoutMs });
    const { calls, failed, errors, served } = JSON.parse(stdout) as ClientReport;
    const dropped = droppedAt(networks, "client") + droppedAt(networks, "server");
    console.log(`loss of ${percent} %, ${engine}: ${calls} calls, ${failed} failed, ${dropped} packets lost`);
    const wrong = failed > 0 ? [`${failed} calls failed: ${errors.join("; ")}`] : [];
    if (!(dropped > 0)) wrong.push("no packet was lost");
    if (Object.keys(served).length < pods.length) wrong.push(`only ${Object.keys(served).join()} got calls`);
    return wrong;
  } finally {
    servers?.kill("SIGKILL");
    networks.remove();
  }
}

const reason = hasProgram("nft") ? whyNoNetworks() : "nft is not installed";
if (reason !== undefined) console.log(`skipped: ${reason}`);
else {
  for (const percent of lossPercents) {
    for (const engine of chosenEngines("both")) {
      for (const text of await play(percent, engine)) {
        console.log(`NOT OK: ${text}`);
        process.exitCode = 1;
      }
    }
  }
}
