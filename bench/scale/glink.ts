import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createClient } from "@connectrpc/connect";
import { EchoService } from "../../proto/gen/glink/demo/v1/echo_pb.js";
import { glinkTransport, type ResolverListener } from "../../src/index.ts";
import { LineProcess } from "../line-process.ts";
import { quantile } from "../statistics.ts";
import type { ChurnTask } from "./churn.ts";
import { cpuMs, Measured } from "./measured.ts";
import { addresses, type ScaleReport, type ScaleTask } from "./task.ts";

const callsPerSecond = 500;

/** A list is not looked up more often than this. */
const answerEveryMs = 1_000;

/** A change is followed by the next after this at the latest: a machine that is busy would measure for minutes. */
const longestChangeMs = 10_000;

/** Of those that replace the first ones, in turn. */
const rotationOffsets = [20_000, 40_000] as const;

/**
 * Calls at a fixed rate while `work` goes on, whether earlier ones were answered or not: their latencies, ascending, each from
 * the time at which it was due. Those that a stalled event loop could not make in time are all made when it goes on, as
 * those of a server's own clients would be.
 */
async function callsDuring(call: () => Promise<unknown>, work: Promise<unknown>): Promise<number[]> {
  let over = false;
  const done = work.finally(() => {
    over = true;
  });
  const beganMs = performance.now();
  const latencies: number[] = [];
  const open: Promise<void>[] = [];
  for (let due = 0; !over; due++) {
    const dueMs = beganMs + (due * 1_000) / callsPerSecond;
    const waitMs = dueMs - performance.now();
    if (waitMs > 0) await sleep(waitMs);
    const fromMs = Math.min(dueMs, performance.now());
    open.push(call().then(() => void latencies.push(performance.now() - fromMs)));
  }
  await Promise.all([done, ...open]);
  return latencies.sort((a, b) => a - b);
}

/** glink with a list that changes while calls go on. */
export async function glink({ backends, ports, certificate, phaseMs }: ScaleTask): Promise<ScaleReport> {
  let listener: ResolverListener | undefined;
  const transport = glinkTransport({
    baseUrl: `${certificate === undefined ? "http" : "https"}://localhost:1`,
    ...(certificate === undefined ? {} : { nodeOptions: { ca: certificate } }),
    resolver: {
      name: "bench",
      watch: (_, told) => {
        listener = told;
        told.onAddresses(addresses(0, backends, ports));
        return { refresh: () => undefined, close: () => undefined };
      },
    },
  });
  const client = createClient(EchoService, transport);
  const call = () => client.unary({ text: "hello" });
  const allReady = async () => {
    const isSettled = () => {
      const { subchannels } = transport.snapshot();
      return subchannels.length === backends && subchannels.every(({ state }) => state === "ready");
    };
    while (!isSettled()) await sleep(100);
  };
  const measured = new Measured();
  const { report } = measured;
  await measured.connecting(backends, call, allReady);
  await callsDuring(call, sleep(1_000));

  const phase = async (name: string, work: () => Promise<unknown>) => {
    await measured.forgetTurns();
    const used = process.cpuUsage();
    const latencies = await callsDuring(call, work());
    report[`${name}P50Ms`] = quantile(latencies, 0.5);
    report[`${name}P99Ms`] = quantile(latencies, 0.99);
    report[`${name}CpuMsPerCall`] = cpuMs(used) / latencies.length;
    await measured.turn(name);
  };
  const answer = (from: number, count: number) => listener?.onAddresses(addresses(from, count, ports));
  /** One change after the other, each with its time. */
  const changes = async (everyMs: number, ...all: (() => void)[]) => {
    const untilMs = performance.now() + phaseMs;
    do {
      for (const change of all) {
        change();
        await sleep(everyMs);
      }
    } while (performance.now() < untilMs);
  };
  // As many are dialled anew: that takes about as long as it took at first.
  const dialMs = Math.min(longestChangeMs, Math.max(answerEveryMs, 1.2 * (report.allReadyMs as number)));
  const all = () => answer(0, backends);
  await phase("calm", () => sleep(phaseMs));
  await phase("sameAnswer", () => changes(answerEveryMs, all));
  if (backends > 1) await phase("halfLeave", () => changes(dialMs / 2, () => answer(0, backends >> 1), all));
  await allReady();
  await phase("rotation", () => changes(dialMs, ...rotationOffsets.map((from) => () => answer(from, backends))));
  await allReady();
  await phase("calmAgain", () => sleep(phaseMs));
  await phase("control", () => churn({ sockets: backends, ports, everyMs: dialMs, forMs: phaseMs }));
  await measured.forgetTurns();
  await transport.close();
  await measured.turn("close");
  return report;
}

/** As many sockets as a rotation closes and opens, by another process. */
async function churn(task: ChurnTask): Promise<void> {
  const other = new LineProcess("churn", process.execPath, [
    join(import.meta.dirname, "churn.js"),
    JSON.stringify(task),
  ]);
  await other.receive();
  await other.end();
}
