import { checkBoolean, checkNames, checkNumber, checkObject, describeValue, longestMs } from "../base/check.ts";
import { jitter } from "../runtime/random.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { ListReporter } from "./list-reporter.ts";
import type { Resolution, ResolverListener, ResolverWatch } from "./resolver.ts";
import { type RunEnd, RunLoop } from "./run-loop.ts";

/** How a resolver of yours learns its list: see {@link watchList}. */
export interface WatchListOptions {
  /**
   * Learns the list: by one look, by a query that waits for a change, or by following changes for as long as that goes
   * well. Called again when it has ended, one at a time. It rejects when it failed, and is then tried again after a
   * growing wait.
   */
  readonly run: (run: ListRun) => Promise<RunEnd>;
  /**
   * A run that takes longer is aborted, and has failed. In milliseconds, from 1. Default `Infinity`: for runs that follow
   * changes, and know themselves when a server is silent.
   */
  readonly timeoutMs?: number | undefined;
  /**
   * Lists reported within this time are told as one, the last of them; the first list ever waits for nothing. In
   * milliseconds, default 0.
   */
  readonly debounceMs?: number | undefined;
  /** Default false. True: a list that is the same as before is told again, as a resolver with `confirmLosses` has to. */
  readonly repeats?: boolean | undefined;
}

/** One run, and what it may say. What it says after it has ended is not heard. */
export interface ListRun {
  /** Aborted when the watch is closed, or the run takes too long. */
  readonly signal: AbortSignal;
  /**
   * True when calls seem to fail for want of a better list: two hints came within 5 s, and nothing was learned since. Who
   * would wait to spread load over time, asks at once then.
   */
  readonly urgent: boolean;
  /** The whole list as it is. A function is asked for it when it is told, once `debounceMs` are over. */
  report(list: Resolution | (() => Resolution)): void;
  /** The last list still holds: said by who follows changes again after a failure. */
  confirm(): void;
  /** `listener` is called at each hint that the list may be out of date, until the run ends. */
  onHint(listener: () => void): void;
}

/** ± this share of each interval, so that a fleet started together does not ask together. */
const intervalJitter = 0.1;

/** ± this share of each wait after a failure, for the same reason. */
const failureJitter = 0.25;

/** Where calls fail too, a server that cannot be asked is tried each second for a minute, each 30 s after half an hour. */
const urgentShare = 1 / 60;

/**
 * What resolvers have in common, for your own. It calls `run` at once; again when its answer is old, or when calls fail or
 * the rotation timer asks, but not within a second of its last start; and after failures, with waits that grow from 1 s to
 * 30 s, with jitter. A failure keeps the last good list. What is known already is not told again. Nothing is told before
 * `watch` has returned or after `close`, and no wait keeps the process alive.
 *
 * Throws a TypeError or RangeError that names the option.
 */
export function watchList(options: WatchListOptions, listener: ResolverListener, runtime: Runtime): ResolverWatch {
  checkObject("the options of watchList", options);
  checkNames("watchList", options, ["run", "timeoutMs", "debounceMs", "repeats"]);
  const { run, timeoutMs = Number.POSITIVE_INFINITY, debounceMs = 0, repeats = false } = options;
  if (typeof run !== "function") throw new TypeError(`watchList.run must be a function, not ${describeValue(run)}`);
  checkNumber("watchList.timeoutMs", timeoutMs, { min: 1, max: longestMs, infinity: "no limit" });
  checkNumber("watchList.debounceMs", debounceMs, { min: 0, max: longestMs });
  checkBoolean("watchList.repeats", repeats);

  const reporter = new ListReporter({ debounceMs, repeats }, listener, runtime.clock, (changed) =>
    loop.learned(changed),
  );
  let current: CurrentRun | undefined;
  const loop: RunLoop = new RunLoop(
    {
      run: async (signal) => {
        // Not in this turn: `watch` has not returned yet, and what `run` throws is a rejection.
        await undefined;
        const running = new CurrentRun(signal, loop, reporter);
        current = running;
        const end = await run(running).finally(() => running.end());
        const { againMs, error } = checkObject("what run resolves with", end, "{ againMs }");
        checkNumber("againMs", againMs, { min: 0, max: longestMs, infinity: "at a hint" });
        return { againMs: error === undefined ? jitter(againMs, intervalJitter, runtime.random) : againMs, error };
      },
      timeoutMs,
      timedOut: () => new Error(`no answer within ${timeoutMs} ms`),
      urgentShare,
      jitter: failureJitter,
    },
    runtime,
    { onRunStarted: () => listener.onLookupStarted?.(), onRunFailed: (error) => reporter.fail(error) },
  );
  loop.start();
  return {
    refresh: () => {
      loop.hint();
      current?.hint();
    },
    get nextLookupMs() {
      return loop.nextMs;
    },
    close: () => {
      loop.close();
      reporter.close();
    },
  };
}

class CurrentRun implements ListRun {
  readonly signal: AbortSignal;
  readonly #loop: RunLoop;
  readonly #reporter: ListReporter;
  #onHint: (() => void) | undefined;
  #ended = false;

  constructor(signal: AbortSignal, loop: RunLoop, reporter: ListReporter) {
    this.signal = signal;
    this.#loop = loop;
    this.#reporter = reporter;
  }

  get urgent(): boolean {
    return this.#loop.urgent;
  }

  report(list: Resolution | (() => Resolution)): void {
    if (!this.#ended) this.#reporter.report(list);
  }

  confirm(): void {
    if (!this.#ended) this.#reporter.confirm();
  }

  onHint(listener: () => void): void {
    this.#onHint = listener;
  }

  hint(): void {
    if (!this.#ended) this.#onHint?.();
  }

  end(): void {
    this.#ended = true;
  }
}
