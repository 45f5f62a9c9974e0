import { subscribe } from "node:diagnostics_channel";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { heapInUse } from "../memory/heap.ts";
import { TurnMeter } from "./turns.ts";

/** What a measured process finds out of itself: a report that its phases fill. */
export class Measured {
  readonly report: Record<string, number> = {};
  readonly #turns = new TurnMeter();
  #connected = 0;

  constructor() {
    // Node loads its own at the first use, for some fifty milliseconds: no matter of scale.
    new Headers();
    subscribe("net.client.socket", (message) => {
      (message as { socket: Socket }).socket.once("connect", () => this.#connected++);
    });
  }

  /** From the first dial on: how long until a call was answered and all backends were connected, and what that took. */
  async connecting(backends: number, call: () => Promise<unknown>, allReady: () => Promise<void>): Promise<void> {
    const before = await bytesInUse();
    await this.forgetTurns();
    const [beganMs, cpu] = [performance.now(), process.cpuUsage()];
    await call();
    this.report.firstCallMs = performance.now() - beganMs;
    // To ask a transport for its state costs milliseconds, which would show in the turns.
    while (this.#connected < backends) await sleep(20);
    await this.turn("connect");
    await allReady();
    this.report.allReadyMs = performance.now() - beganMs;
    this.report.connectCpuMs = cpuMs(cpu);
    this.report.bytesPerBackend = ((await bytesInUse()) - before) / backends;
  }

  /** What turns took until now is of no interest. */
  async forgetTurns(): Promise<void> {
    await this.#turns.longest();
  }

  /** Notes the longest turn since then, or since the last one was noted. */
  async turn(phase: string): Promise<void> {
    const { wallMs, cpuMs, gcMs } = await this.#turns.longest();
    this.report[`${phase}TurnMs`] = wallMs;
    this.report[`${phase}TurnCpuMs`] = cpuMs;
    this.report[`${phase}TurnGcMs`] = gcMs;
  }
}

export async function bytesInUse(): Promise<number> {
  return (await heapInUse()) + process.memoryUsage().external;
}

export function cpuMs(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1_000;
}
