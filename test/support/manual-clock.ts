import { TurnedClock } from "../../src/testing/manual-clock.ts";

/** A clock that a test turns and that knows nothing of sockets. Timers fire in order of their due time. */
export class ManualClock extends TurnedClock {
  readonly #afterInput: (() => void)[] = [];

  override afterInput(callback: () => void): void {
    this.#afterInput.push(callback);
  }

  /** Moves the time without firing anything, as a stalled event loop does; the next `advance` fires what is late. */
  stall(ms: number): void {
    this.nowMs += ms;
  }

  protected override begun(): Promise<void> {
    return turn();
  }

  protected override settling(): () => Promise<void> {
    return async () => {
      await turn();
      for (const callback of this.#afterInput.splice(0)) callback();
      await turn();
    };
  }
}

/** A clock turned by hand beside real sockets, whose input comes when it comes: nobody waits for it. */
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
