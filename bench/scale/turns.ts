/** The longest turn, by the clock and by the CPU time of the process, which is the better measure on a busy machine. */
export interface LongestTurn {
  readonly wallMs: number;
  /** Of all its threads: at least as much as the event loop's own took. */
  readonly cpuMs: number;
}

/** How long turns of the event loop take. A turn begins when those before it have ended: it holds up whatever came meanwhile. */
export class TurnMeter {
  #wallMs = 0;
  #cpuMs = 0;

  constructor() {
    let [beganMs, beganCpuMs] = [performance.now(), processCpuMs()];
    const next = () => {
      const [nowMs, nowCpuMs] = [performance.now(), processCpuMs()];
      this.#wallMs = Math.max(this.#wallMs, nowMs - beganMs);
      this.#cpuMs = Math.max(this.#cpuMs, nowCpuMs - beganCpuMs);
      [beganMs, beganCpuMs] = [nowMs, nowCpuMs];
      setImmediate(next).unref();
    };
    setImmediate(next).unref();
  }

  /** Since it was asked last. */
  longest(): LongestTurn {
    const longest = { wallMs: this.#wallMs, cpuMs: this.#cpuMs };
    this.#wallMs = 0;
    this.#cpuMs = 0;
    return longest;
  }
}

function processCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}
