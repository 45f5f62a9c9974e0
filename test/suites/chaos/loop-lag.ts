const stepMs = 10;
/** What timers are late by on a machine that has nothing else to do. */
const usualMs = 2;

/** How late the event loop was, and when: what a machine does to a process is no fault of the call's. */
export class LoopLag {
  readonly #late: { readonly atMs: number; readonly ms: number }[] = [];
  #lastMs = performance.now();
  readonly #timer = setInterval(() => {
    const now = performance.now();
    const ms = now - this.#lastMs - stepMs;
    this.#lastMs = now;
    if (ms > usualMs) this.#late.push({ atMs: now, ms });
  }, stepMs);

  /** The sum of what it was late in that time: each step of a call may have met it. */
  worstMs(fromMs: number, toMs: number): number {
    return this.#late.reduce((sum, { atMs, ms }) => (atMs >= fromMs && atMs - ms <= toMs ? sum + ms : sum), 0);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
