/** A pending timer of a {@link Clock}. Opaque: only the clock that made it can cancel it. */
export type TimerHandle = object;

/**
 * Time as a value. Everything in glink that reads the time or waits does it through one of these, so that tests can
 * turn the clock by hand. No timer of a clock keeps the process alive: that is {@link ProcessHold}'s job alone.
 */
export interface Clock {
  /** Monotonic milliseconds, fractional, from an arbitrary origin. Not affected by changes of the wall clock. */
  now(): number;
  /** Runs `callback` once after `delayMs` (0 or more, any size; `Infinity` never fires). */
  setTimeout(callback: () => void, delayMs: number): TimerHandle;
  /** Cancels a timer. A timer that fired or was cancelled is ignored. */
  clearTimeout(timer: TimerHandle | undefined): void;
  /**
   * Runs `callback` after everything that has already arrived at this process' sockets was read. Whoever is about to
   * declare a peer silent asks this first: a stalled event loop delivers timers before input.
   */
  afterInput(callback: () => void): void;
}

/** Node's timers take a signed 32-bit delay; a larger one fires after 1 ms with only a warning. */
const longestDelayMs = 2 ** 31 - 1;

/**
 * As it was when this module was loaded. It stands for the event loop, not for time: fake timers of a test framework
 * would hold back what is to be written to sockets.
 */
const nextTurn = setImmediate;

/** Any part of an hour, by the microsecond of the process' start: a fleet that was started together has no common beats. */
const phaseMs = Math.floor((performance.timeOrigin * 1_000) % 3_600_000);

/** Whole milliseconds are those in which Node counts: timers of many that are due in the same one wake the process once. */
const originMs = phaseMs + Number(process.hrtime.bigint()) / 1e6 - performance.now();

class LongTimer {
  current: NodeJS.Timeout | undefined;
}

class SystemClock implements Clock {
  now(): number {
    return originMs + performance.now();
  }

  setTimeout(callback: () => void, delayMs: number): TimerHandle {
    // Node would fire such a timer after 1 ms, and whoever repeats it would do nothing else.
    if (Number.isNaN(delayMs)) throw new RangeError("a timer's delay must be a number of milliseconds, not NaN");
    if (delayMs <= longestDelayMs) {
      return setTimeout(callback, delayMs).unref();
    }
    const timer = new LongTimer();
    if (delayMs !== Number.POSITIVE_INFINITY) this.#startLong(timer, callback, delayMs);
    return timer;
  }

  clearTimeout(timer: TimerHandle | undefined): void {
    if (timer instanceof LongTimer) clearTimeout(timer.current);
    else if (timer !== undefined) clearTimeout(timer as NodeJS.Timeout);
  }

  afterInput(callback: () => void): void {
    // Not unref'd: it runs in this turn of the loop anyway, where an unref'd one waits until something else wakes the loop.
    nextTurn(callback);
  }

  #startLong(timer: LongTimer, callback: () => void, remainingMs: number): void {
    const step = Math.min(remainingMs, longestDelayMs);
    timer.current = setTimeout(() => {
      if (remainingMs > step) this.#startLong(timer, callback, remainingMs - step);
      else callback();
    }, step).unref();
  }
}

/** The process' own monotonic clock and timers. */
export function systemClock(): Clock {
  return new SystemClock();
}
