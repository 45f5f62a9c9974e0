import type { Clock, TimerHandle } from "../../src/runtime/clock.ts";

interface ManualTimer {
  readonly dueMs: number;
  readonly order: number;
  readonly callback: () => void;
}

/** A clock that stands still until a test turns it. Timers fire in order of their due time. */
export class ManualClock implements Clock {
  #nowMs = 1_000;
  #order = 0;
  readonly #timers = new Set<ManualTimer>();
  readonly #afterInput: (() => void)[] = [];

  now(): number {
    return this.#nowMs;
  }

  setTimeout(callback: () => void, delayMs: number): TimerHandle {
    const timer = { dueMs: this.#nowMs + delayMs, order: this.#order++, callback };
    if (delayMs !== Number.POSITIVE_INFINITY) this.#timers.add(timer);
    return timer;
  }

  clearTimeout(timer: TimerHandle | undefined): void {
    this.#timers.delete(timer as ManualTimer);
  }

  afterInput(callback: () => void): void {
    this.#afterInput.push(callback);
  }

  /** Timers that wait: a test that ends clean leaves none. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Turns the clock by `ms`, firing each timer at its time; promises settle in between. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    await turn();
    for (;;) {
      const next = this.#earliest();
      if (next === undefined || next.dueMs > untilMs) break;
      this.#timers.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      next.callback();
      await this.#runAfterInput();
    }
    this.#nowMs = untilMs;
    await this.#runAfterInput();
  }

  /** Moves the time without firing anything, as a stalled event loop does; the next `advance` fires what is late. */
  stall(ms: number): void {
    this.#nowMs += ms;
  }

  #earliest(): ManualTimer | undefined {
    let earliest: ManualTimer | undefined;
    for (const timer of this.#timers) {
      if (
        earliest === undefined ||
        timer.dueMs < earliest.dueMs ||
        (timer.dueMs === earliest.dueMs && timer.order < earliest.order)
      ) {
        earliest = timer;
      }
    }
    return earliest;
  }

  async #runAfterInput(): Promise<void> {
    await turn();
    for (const callback of this.#afterInput.splice(0)) callback();
    await turn();
  }
}

/** A clock turned by hand beside real sockets, whose input comes when it comes. */
export class SocketsManualClock extends ManualClock {
  override afterInput(callback: () => void): void {
    setImmediate(callback);
  }
}

/** Lets every promise and microtask that can run now do so, and what they leave for the end of their turn. */
export async function settle(): Promise<void> {
  for (let turns = 0; turns < settledAfterTurns; turns++) await turn();
}

/** A change, the update that follows it, and the update that its dials bring. */
const settledAfterTurns = 3;

/** One turn of the event loop. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
