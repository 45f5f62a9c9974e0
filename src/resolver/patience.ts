import type { Runtime } from "../runtime/runtime.ts";

/** A query keeps the process alive. With no call open it is given up after this long. */
const firstPatienceMs = 1_000;

/** Patience with one lookup, from its beginning until `stop`. */
export interface LookupPatience {
  /** Set once it is over: for so long no call was open. */
  readonly endedAfterMs: number | undefined;
  stop(): void;
}

/** How long lookups are waited for while no call is open: longer after each one that was given up. */
export class Patience {
  readonly #runtime: Runtime;
  readonly #mostMs: number;
  /** Grows with each lookup that it ended: a slow server would else never be waited for. */
  #patienceMs = firstPatienceMs;

  constructor(runtime: Runtime, mostMs: number) {
    this.#runtime = runtime;
    this.#mostMs = mostMs;
  }

  /** Calls back, once, when no call was open for a while. */
  begin(abandoned: () => void): LookupPatience {
    const { clock, hold } = this.#runtime;
    const patienceMs = this.#patienceMs;
    let endedAfterMs: number | undefined;
    const abandon = () => {
      if (hold.held) return;
      endedAfterMs = patienceMs;
      this.#patienceMs = Math.max(patienceMs, Math.min(2 * patienceMs, this.#mostMs));
      abandoned();
    };
    let timer = hold.held ? undefined : clock.setTimeout(abandon, patienceMs);
    const stopWatching = hold.onIdle(() => {
      clock.clearTimeout(timer);
      timer = clock.setTimeout(abandon, patienceMs);
    });
    return {
      get endedAfterMs() {
        return endedAfterMs;
      },
      stop() {
        clock.clearTimeout(timer);
        stopWatching();
      },
    };
  }
}
