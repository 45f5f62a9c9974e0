import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Processes } from "../../../demo/processes.ts";
import { type ClientEnd, ClientProcess } from "./client-process.ts";
import type { Hosts } from "./hosts.ts";
import type { Finding, RoundReport } from "./messages.ts";
import { type Plan, requestIdOf } from "./plan.ts";
import { Stage } from "./stage.ts";
import { within } from "./within.ts";

const folder = join(import.meta.dirname, "../../../.cache/chaos");

/** Programs of other languages start slowly on a busy machine. */
const stageTimeoutMs = 120_000;
/** A client that does not say so itself has hung. */
const roundTimeoutMs = 90_000;
/** After `close()` a process ends by itself: at once, and on a busy machine within this. */
const exitMs = 3_000;

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
  const stage = await within(stageTimeoutMs, "the servers' start", Stage.open(plan, hosts, manyAddresses));
  const processes = new Processes();
  try {
    const beganMs = performance.now();
    mkdirSync(folder, { recursive: true });
    const planPath = join(folder, `plan-${process.pid}.json`);
    writeFileSync(planPath, JSON.stringify(plan));
    const client = new ClientProcess(processes, { planPath, place: stage.place });
    const hangs = setTimeout(() => client.kill(), roundTimeoutMs);
    const findings: Finding[] = [];
    const { report, open } = await playBoth(stage, client, findings);
    const reportedMs = performance.now();
    const late = setTimeout(() => client.kill(), exitMs * 5);
    const end = await client.ended;
    clearTimeout(hangs);
    clearTimeout(late);
    findings.push(...endFindings(end, { report, exitedMs: performance.now() - reportedMs }));
    if (report !== undefined) {
      const seconds = (performance.now() - beganMs) / 1_000;
      findings.push(...report.findings, ...(await executionFindings(stage, report)));
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

/** Storm and recovery, on the stage and in the client. No report: the client ended first, and its plan with it. */
async function playBoth(
  stage: Stage,
  client: ClientProcess,
  findings: Finding[],
): Promise<{ readonly report: RoundReport | undefined; readonly open: readonly number[] }> {
  let open: readonly number[] = [];
  const over = new AbortController();
  const ended = client.ended.then(() => over.abort());
  const played = (async () => {
    const reported = client.hear("report");
    const quiet = client.hear("quiet").then(() => {
      open = stage.gates.map((gate) => gate.open);
    });
    quiet.catch(() => undefined);
    await client.hear("ready");
    client.tell("begin");
    // What goes wrong with the servers is told with the round, and the round goes on.
    for (const text of [...(await stage.play(over.signal)), ...(await stage.heal())]) {
      findings.push({ invariant: "stage", text });
    }
    client.tell("healed");
    return reported;
  })();
  played.catch(() => undefined);
  // Its report came before its end: what resolves first is asked first.
  const report = await Promise.race([played, ended.then(() => undefined)]).catch(() => undefined);
  return { report, open };
}

function endFindings(
  { code, signal, stdout, stderr }: ClientEnd,
  { report, exitedMs }: { readonly report: RoundReport | undefined; readonly exitedMs: number },
): Finding[] {
  const findings: Finding[] = [];
  const last = stderr.trim().slice(-1_500);
  if (report === undefined && signal === "SIGKILL") {
    findings.push({ invariant: "I1", text: `the client had not reported after ${roundTimeoutMs} ms: ${last}` });
  } else if (report === undefined || (code !== 0 && signal === null)) {
    findings.push({ invariant: "I2", text: `the client ended with ${signal ?? code}: ${last}` });
  } else if (signal !== null) {
    findings.push({ invariant: "I5", text: "the client does not end by itself" });
  } else if (exitedMs > exitMs) {
    findings.push({ invariant: "I5", text: `the client ended only after ${Math.round(exitedMs)} ms` });
  }
  if (stderr + stdout !== "" && code === 0) {
    findings.push({ invariant: "I2", text: `the client printed ${stderr}${stdout}` });
  }
  return findings;
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
