import type { EjectionReason } from "../observe/backend-facts.ts";
import type { TimerHandle } from "../runtime/clock.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Subchannel } from "../subchannel/subchannel.ts";
import type { OutlierOptions } from "./outlier-options.ts";
import {
  hasVolume,
  type IntervalCounts,
  isAboveFailures,
  isBelowRate,
  successRateLimit,
} from "./outlier-statistics.ts";

/** Told of what an interval showed. */
export interface OutlierIntervalsListener {
  onOutlier(subchannel: Subchannel, reason: EjectionReason): void;
}

const none: IntervalCounts = { answers: 0, faults: 0 };
const noCounts: ReadonlyMap<Subchannel, IntervalCounts> = new Map();

/**
 * gRFC A50's two: at the end of each interval backends are compared by what their calls came to. An interval begins with
 * a fault, so that nothing runs while there is none.
 */
export class OutlierIntervals {
  readonly #options: OutlierOptions;
  readonly #runtime: Runtime;
  readonly #backends: () => readonly Subchannel[];
  readonly #listener: OutlierIntervalsListener;
  /** Of the interval that goes on, its beginning: backends that have left since are not kept for longer. */
  #before: ReadonlyMap<Subchannel, IntervalCounts> = noCounts;
  #timer: TimerHandle | undefined;

  constructor(
    options: OutlierOptions,
    runtime: Runtime,
    backends: () => readonly Subchannel[],
    listener: OutlierIntervalsListener,
  ) {
    this.#options = options;
    this.#runtime = runtime;
    this.#backends = backends;
    this.#listener = listener;
  }

  /** A fault is about to be counted. */
  began(): void {
    const { successRate, failurePercentage, intervalMs } = this.#options;
    if (this.#timer !== undefined || (successRate ?? failurePercentage) === undefined) return;
    this.#before = new Map(
      this.#backends().map((subchannel) => {
        const { answers, faults } = subchannel.record;
        return [subchannel, { answers, faults }];
      }),
    );
    this.#timer = this.#runtime.clock.setTimeout(() => this.#ended(), intervalMs);
  }

  close(): void {
    this.#runtime.clock.clearTimeout(this.#timer);
  }

  #ended(): void {
    this.#timer = undefined;
    const backends = this.#backends();
    const counts = backends.map((subchannel) => this.#countsOf(subchannel));
    this.#before = noCounts;
    const { successRate, failurePercentage } = this.#options;
    if (successRate !== undefined) {
      const limit = successRateLimit(counts, successRate);
      backends.forEach((subchannel, i) => {
        if (limit === undefined || !isBelowRate(counts[i] ?? none, limit, successRate)) return;
        if (this.#enforces(successRate.enforcementPercentage)) this.#listener.onOutlier(subchannel, "success-rate");
      });
    }
    if (failurePercentage === undefined || !hasVolume(counts, failurePercentage)) return;
    backends.forEach((subchannel, i) => {
      if (!isAboveFailures(counts[i] ?? none, failurePercentage)) return;
      if (this.#enforces(failurePercentage.enforcementPercentage)) {
        this.#listener.onOutlier(subchannel, "failure-percentage");
      }
    });
  }

  #countsOf(subchannel: Subchannel): IntervalCounts {
    const { record } = subchannel;
    const before = this.#before.get(subchannel) ?? none;
    return { answers: record.answers - before.answers, faults: record.faults - before.faults };
  }

  #enforces(percentage: number): boolean {
    return this.#runtime.random.next() * 100 < percentage;
  }
}
