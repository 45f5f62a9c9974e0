import type { Clock, TimerHandle } from "../index.ts";
import { checkNumber } from "./check.ts";

/** A clock that stands still until a test turns it, for `testTransport`. */
export interface ManualClock extends Clock {
  /**
   * Turns the clock by `ms` milliseconds, 0 or more: each timer fires at its time, in their order. In between, what is on
   * its way arrives: answers of servers in this process, and of DNS. Whole hours take moments.
   */
  advance(ms: number): Promise<void>;
  /** Timers that wait: none once every transport with this clock is closed. */
  readonly pending: number;
}

/** Time of its own for any number of transports. */
export function manualClock(): ManualClock {
  return new TurnedClock();
}

interface ManualTimer {
  readonly dueMs: number;
  readonly order: number;
  readonly callback: () => void;
}

/** As it was when this module was loaded: it stands for the event loop, which a runner's fake timers must not hold up. */
const nextTurn = setImmediate;

/** Ten years: as far as any wait of glink's. */
const longestMs = 315_576_000_000;

/** Within this, a request and its answer come and go through servers in this process. */
const settledAfter = { turns: 12, ms: 0.3 };

/** What the system has been asked and will answer soon, as a rule: a name, a connection. */
const asked = new Set(["GetAddrInfoReqWrap", "TCPConnectWrap"]);

/** How long each `advance` waits for such answers altogether: some never come. */
const patienceMs = 1_000;

export class TurnedClock implements ManualClock {
  protected nowMs = 1_000;
  #order = 0;
  readonly #timers = new Set<ManualTimer>();

  now(): number {
    return this.nowMs;
  }

  setTimeout(callback: () => void, delayMs: number): TimerHandle {
    const timer = { dueMs: this.nowMs + delayMs, order: this.#order++, callback };
    if (delayMs !== Number.POSITIVE_INFINITY) this.#timers.add(timer);
    return timer;
  }

  clearTimeout(timer: TimerHandle | undefined): void {
    this.#timers.delete(timer as ManualTimer);
  }

  afterInput(callback: () => void): void {
    nextTurn(callback);
  }

  get pending(): number {
    return this.#timers.size;
  }

  async advance(ms: number): Promise<void> {
    const untilMs = this.nowMs + checkNumber("clock.advance takes milliseconds, which", ms, { min: 0, max: longestMs });
    const settle = this.settling();
    await this.begun(settle);
    for (;;) {
      const next = this.#earliest();
      if (next === undefined || next.dueMs > untilMs) break;
      this.#timers.delete(next);
      this.nowMs = Math.max(this.nowMs, next.dueMs);
      next.callback();
      await settle();
    }
    // Two may turn at once.
    this.nowMs = Math.max(this.nowMs, untilMs);
    await settle();
  }

  /** What was begun before the clock is turned goes on first. */
  protected begun(settle: () => Promise<void>): Promise<void> {
    return settle();
  }

  /** For one `advance`: what lets everything that is on its way arrive. */
  protected settling(): () => Promise<void> {
    let leftMs = patienceMs;
    return async () => {
      const beganMs = performance.now();
      const tookMs = () => performance.now() - beganMs;
      for (let turns = 0; turns < settledAfter.turns || tookMs() < settledAfter.ms; turns++) await turn();
      while (tookMs() < leftMs && process.getActiveResourcesInfo().some((type) => asked.has(type))) await turn();
      if (tookMs() > settledAfter.ms) leftMs -= tookMs();
    };
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
}

/** One turn of the event loop. */
function turn(): Promise<void> {
  return new Promise((resolve) => nextTurn(resolve));
}
