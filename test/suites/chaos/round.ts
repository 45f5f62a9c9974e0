import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { messageOf, Processes } from "../../../demo/processes.ts";
import type { Hosts } from "./hosts.ts";
import type { ClientConfig, Finding, FromClient, RoundReport, ToClient } from "./messages.ts";
import { type Plan, requestIdOf } from "./plan.ts";
import { Stage } from "./stage.ts";

const folder = join(import.meta.dirname, "../../../.cache/chaos");

/** A client that does not say so itself has hung. */
const roundTimeoutMs = 90_000;
/** After `close()` a process ends by itself. */
const exitMs = 1_000;

/** What a round came to. */
export interface RoundResult {
  readonly findings: readonly Finding[];
  readonly ended: Readonly<Record<string, number>>;
  readonly recoveredMs: number | undefined;
  readonly lookups: number;
  readonly connections: number;
}

/** Plays a plan, with a client in a process of its own. */
export async function playRound(plan: Plan, hosts: Hosts, manyAddresses: boolean): Promise<RoundResult> {
  const stage = await Stage.open(plan, hosts, manyAddresses);
  const processes = new Processes();
  try {
    const beganMs = performance.now();
    mkdirSync(folder, { recursive: true });
    const planPath = join(folder, `plan-${process.pid}.json`);
    writeFileSync(planPath, JSON.stringify(plan));
    const config: ClientConfig = { planPath, place: stage.place };
    const child = processes.start(new URL("client.ts", import.meta.url), config, ["ignore", "pipe", "pipe", "ipc"]);
    const output = Promise.all([
      text(child.stdout as NodeJS.ReadableStream),
      text(child.stderr as NodeJS.ReadableStream),
    ]);
    const exited = once(child, "exit") as Promise<[number | null, NodeJS.Signals | null]>;
    const hangs = setTimeout(() => child.kill("SIGKILL"), roundTimeoutMs);
    let open: number[] = [];
    const played = (async (): Promise<RoundReport> => {
      const reported = messageOf<FromClient, "report">(child, "report");
      reported.catch(() => undefined);
      const quiet = messageOf<FromClient, "quiet">(child, "quiet").then(() => {
        open = stage.gates.map((gate) => gate.open);
      });
      quiet.catch(() => undefined);
      await messageOf<FromClient, "ready">(child, "ready");
      child.send({ type: "begin" } satisfies ToClient);
      await stage.play();
      await stage.heal();
      child.send({ type: "healed" } satisfies ToClient);
      return reported;
    })();
    // A client that crashes ends the round before its plan does.
    const report = await played.catch(() => undefined);
    const reportedMs = performance.now();
    const late = setTimeout(() => child.kill("SIGKILL"), exitMs * 5);
    const [code, signal] = await exited;
    const exitedMs = performance.now() - reportedMs;
    clearTimeout(hangs);
    clearTimeout(late);
    const [stdout, stderr] = await output;
    const findings = [...(report?.findings ?? [])];
    if (report === undefined)
      findings.push({ invariant: "I2", text: `the client ended with ${signal ?? code}: ${lastOf(stderr)}` });
    else if (signal !== null) findings.push({ invariant: "I5", text: "the client does not end by itself" });
    else if (code !== 0) findings.push({ invariant: "I2", text: `the client ended with ${code}: ${lastOf(stderr)}` });
    else if (exitedMs > exitMs)
      findings.push({ invariant: "I5", text: `the client ended only after ${Math.round(exitedMs)} ms` });
    if (stderr + stdout !== "" && code === 0)
      findings.push({ invariant: "I2", text: `the client printed ${stderr}${stdout}` });
    const seconds = (performance.now() - beganMs) / 1_000;
    if (report !== undefined) {
      findings.push(...(await executionFindings(stage, report)));
      findings.push(...boundFindings(plan, stage, { report, open, seconds }));
    }
    return {
      findings,
      ended: report?.ended ?? {},
      recoveredMs: report?.recoveredMs,
      lookups: stage.lookups,
      connections: stage.gates.reduce((sum, { accepted }) => sum + accepted, 0),
    };
  } finally {
    await processes.close();
    await stage.close();
    await hosts.clear();
  }
}

function lastOf(stderr: string): string {
  return stderr.trim().slice(-600);
}

/** No server ran a call more often than it got attempts of it. */
async function executionFindings(stage: Stage, { attempts }: RoundReport): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const [address, executions] of await stage.executions()) {
    for (const [id, byAddress] of Object.entries(attempts)) {
      const times = executions.get(requestIdOf(Number(id))) ?? 0;
      const permitted = byAddress[address] ?? 0;
      if (times <= permitted) continue;
      findings.push({
        invariant: "I4",
        text: `call ${id} ran ${times} times at ${address}, which got ${permitted} attempts`,
      });
    }
  }
  return findings;
}

/** Connections and lookups are as many as the options allow. */
function boundFindings(
  { options }: Plan,
  { gates, lookups }: Stage,
  {
    report,
    open,
    seconds,
  }: { readonly report: RoundReport; readonly open: readonly number[]; readonly seconds: number },
): Finding[] {
  const findings: Finding[] = [];
  const { min = 1, max = min } = (options.connectionsPerBackend ?? {}) as { min?: number; max?: number };
  const { initialBackoffMs = 250 } = (options.reconnectBackoff ?? {}) as { initialBackoffMs?: number };
  for (const [index, gate] of gates.entries()) {
    const attempts = Object.values(report.attempts).reduce((sum, byAddress) => sum + (byAddress[gate.address] ?? 0), 0);
    // A connection that answered is dialled anew at once when it is lost; any other waits; and each grows old.
    const most = 20 + attempts + max * seconds * (2 + 1_000 / initialBackoffMs);
    if (gate.accepted > most) {
      findings.push({
        invariant: "I7",
        text: `${gate.accepted} connections to one backend, ${Math.round(most)} are enough`,
      });
    }
    const left = open[index] ?? 0;
    if (left > 2 * max)
      findings.push({ invariant: "I7", text: `${left} connections to one backend that gets no calls, of ${max}` });
  }
  const mostLookups = 10 + 3 * seconds;
  if (lookups > mostLookups) findings.push({ invariant: "I7", text: `${lookups} lookups in ${seconds.toFixed(0)} s` });
  return findings;
}
