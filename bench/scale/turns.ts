import { openSync, readSync } from "node:fs";
import { PerformanceObserver } from "node:perf_hooks";
import { setImmediate as turnOver } from "node:timers/promises";

/** The longest turn of the event loop, by the CPU that its thread took: another process beside it takes none of that. */
export interface LongestTurn {
  /** That turn's by the clock is at least as much; this is the longest by the clock, which may be another one. */
  readonly wallMs: number;
  readonly cpuMs: number;
  /** For how long the collector held up the turn of `cpuMs`. */
  readonly gcMs: number;
}

interface Turn {
  readonly beganMs: number;
  readonly endedMs: number;
  readonly cpuMs: number;
}

/** Shorter turns are of no interest. */
const noticedMs = 1;

/** How long turns of the event loop take. A turn begins when those before it have ended: it holds up whatever came meanwhile. */
export class TurnMeter {
  #turns: Turn[] = [];
  #pauses: Pick<Turn, "beganMs" | "endedMs">[] = [];

  constructor() {
    new PerformanceObserver((list) => {
      for (const { startTime, duration } of list.getEntries()) {
        this.#pauses.push({ beganMs: startTime, endedMs: startTime + duration });
      }
    }).observe({ entryTypes: ["gc"] });
    let [beganMs, beganCpuMs] = [performance.now(), threadCpuMs()];
    const next = () => {
      const [nowMs, nowCpuMs] = [performance.now(), threadCpuMs()];
      if (nowMs - beganMs >= noticedMs) {
        this.#turns.push({ beganMs, endedMs: nowMs, cpuMs: nowCpuMs - beganCpuMs });
      }
      [beganMs, beganCpuMs] = [nowMs, nowCpuMs];
      setImmediate(next).unref();
    };
    setImmediate(next).unref();
  }

  /** Since it was asked last. */
  async longest(): Promise<LongestTurn> {
    const turns = this.#turns;
    this.#turns = [];
    // The collector's entries come a turn or two later.
    for (let i = 0; i < 3; i++) await turnOver();
    const pauses = this.#pauses;
    this.#pauses = [];
    const longest = turns.reduce((one, other) => (other.cpuMs > one.cpuMs ? other : one), {
      beganMs: 0,
      endedMs: 0,
      cpuMs: 0,
    });
    const gcMs = pauses
      .filter(({ beganMs, endedMs }) => beganMs >= longest.beganMs && endedMs <= longest.endedMs)
      .reduce((sum, { beganMs, endedMs }) => sum + endedMs - beganMs, 0);
    const wallMs = Math.max(0, ...turns.map(({ beganMs, endedMs }) => endedMs - beganMs));
    return { wallMs, cpuMs: longest.cpuMs, gcMs };
  }
}

/** What this thread has run for, as Linux counts it; elsewhere all threads of the process, which is at least as much. */
const threadCpuMs = process.platform === "linux" ? readSchedulerStatistics() : processCpuMs;

function readSchedulerStatistics(): () => number {
  const file = openSync(`/proc/self/task/${process.pid}/schedstat`, "r");
  const text = Buffer.alloc(64);
  return () => {
    const length = readSync(file, text, 0, text.length, 0);
    return Number.parseInt(text.toString("latin1", 0, length), 10) / 1e6;
  };
}

function processCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}
