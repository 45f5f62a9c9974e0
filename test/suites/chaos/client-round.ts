import { setTimeout as sleep } from "node:timers/promises";
import { type Client, Code, ConnectError, createClient, createContextValues } from "@connectrpc/connect";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { type GlinkTransport, type GlinkTransportOptions, glinkCall, glinkTransport } from "../../../src/index.ts";
import { Accountant } from "./accountant.ts";
import { CallJudge } from "./call-judge.ts";
import { ChaosCall } from "./chaos-call.ts";
import { LoopLag } from "./loop-lag.ts";
import { makeOptions } from "./make-options.ts";
import type { Finding, Place, RoundReport } from "./messages.ts";
import type { Plan } from "./plan.ts";
import { hindersRecovery } from "./recovery.ts";

/** What is still open when faults have ended is given up so much later. */
const patienceMs = 700;
/** What `close()` may take beyond what it was told. */
const closeSlackMs = 500;
/** Within this, calls succeed again. */
const recoveryMs = 20_000;
const recoveredCalls = 5;

/** The client's side of a round: its calls, and what it finds wrong with them. */
export class ClientRound {
  readonly #plan: Plan;
  readonly #options: GlinkTransportOptions;
  readonly #transport: GlinkTransport;
  readonly #client: Client<typeof EchoService>;
  readonly #calls: ChaosCall[] = [];
  readonly #lag = new LoopLag();
  readonly #accountant = new Accountant();
  readonly #findings: Finding[] = [];
  readonly #judge: CallJudge;
  #closedMs: number | undefined;
  #recoveredMs: number | undefined;

  constructor(plan: Plan, place: Place) {
    this.#plan = plan;
    this.#options = makeOptions(plan, place, this.#accountant.instrumentation);
    this.#transport = glinkTransport(this.#options);
    this.#client = createClient(EchoService, this.#transport);
    this.#judge = new CallJudge({
      plan,
      transport: this.#transport,
      lag: this.#lag,
      addresses: place.addresses,
      closedMs: () => this.#closedMs,
    });
  }

  /** Makes the calls, each at its time, and resolves when all have ended. Faults end with `healed`. */
  async storm(healed: Promise<void>): Promise<void> {
    const beganMs = performance.now();
    const { calls, close } = this.#plan;
    const closing = close === undefined ? undefined : sleep(close.atMs).then(() => this.#close(close.timeoutMs));
    const running: Promise<void>[] = [];
    for (const planned of calls) {
      const waitMs = planned.atMs - (performance.now() - beganMs);
      if (waitMs > 0) await sleep(waitMs);
      const call = new ChaosCall(planned);
      this.#calls.push(call);
      running.push(call.run(this.#client));
    }
    await healed;
    await sleep(patienceMs);
    for (const call of this.#calls) if (call.endedMs === undefined) call.abort();
    await Promise.race([Promise.all(running), sleep(2_000, undefined, { ref: false })]);
    await closing;
    for (const call of this.#calls) this.#findings.push(...this.#judge.judge(call));
  }

  /** Once nothing is broken any more, calls succeed again; and then nothing is left of those before. */
  async recover(): Promise<void> {
    if (this.#closedMs !== undefined) return;
    if (!hindersRecovery(this.#plan, this.#options)) await this.#becomeWell();
    await sleep(300);
    const { openCalls, queuedCalls, draining, subchannels } = this.#transport.snapshot();
    const inSubchannels = subchannels.reduce((sum, one) => sum + one.openCalls, 0);
    const inDraining = draining.reduce((sum, one) => sum + one.openCalls, 0);
    // A session of node:http2 that was told nonsense keeps its streams until a PING ends it.
    const mayBePoisoned = this.#plan.engine === "node" && this.#plan.backends.some(({ lies = 0 }) => lies > 0);
    if (openCalls + queuedCalls + (mayBePoisoned ? 0 : inSubchannels + inDraining) > 0) {
      const counts = { openCalls, queuedCalls, inSubchannels, inDraining };
      this.#find("I5", `without a call it counts ${JSON.stringify(counts)}`);
    }
  }

  async close(): Promise<void> {
    if (this.#closedMs === undefined) await this.#close(1_000);
    this.#lag.stop();
    for (const text of this.#accountant.discrepancies()) this.#find("I1", text);
  }

  report(): RoundReport {
    const attempts: Record<string, Record<string, number>> = {};
    const ended: Record<string, number> = {};
    for (const { planned, error, attempts: reports } of this.#calls) {
      const code = error === undefined ? "OK" : error instanceof ConnectError ? Code[error.code] : "other";
      ended[code ?? "other"] = (ended[code ?? "other"] ?? 0) + 1;
      const byAddress: Record<string, number> = {};
      for (const { address } of reports) if (address !== undefined) byAddress[address] = (byAddress[address] ?? 0) + 1;
      attempts[planned.id] = byAddress;
    }
    return { type: "report", findings: this.#findings, attempts, ended, recoveredMs: this.#recoveredMs };
  }

  async #becomeWell(): Promise<void> {
    const beganMs = performance.now();
    const contextValues = createContextValues().set(glinkCall, { waitForReady: true, retry: false });
    let inARow = 0;
    let last: unknown;
    while (inARow < recoveredCalls && performance.now() - beganMs < recoveryMs) {
      try {
        await this.#client.unary({ text: "unary 1000000" }, { timeoutMs: 2_500, contextValues });
        inARow++;
      } catch (error) {
        inARow = 0;
        last = error;
        await sleep(20);
      }
    }
    if (inARow < recoveredCalls) {
      const states = this.#transport.snapshot().subchannels.map(({ address, state }) => `${address} ${state}`);
      this.#find(
        "recovery",
        `no ${recoveredCalls} calls in a row within ${recoveryMs} ms: ${last} (${states.join(", ")})`,
      );
    } else this.#recoveredMs = Math.round(performance.now() - beganMs);
  }

  async #close(timeoutMs: number): Promise<void> {
    this.#closedMs = performance.now();
    await this.#transport.close({ timeoutMs });
    const ms = performance.now() - this.#closedMs;
    const lateMs = ms - timeoutMs - this.#lag.worstMs(this.#closedMs, performance.now());
    if (lateMs > closeSlackMs) this.#find("I5", `close({ timeoutMs: ${timeoutMs} }) took ${Math.round(ms)} ms`);
  }

  #find(invariant: string, text: string): void {
    this.#findings.push({ invariant, text });
  }
}
