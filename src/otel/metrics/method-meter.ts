import type { AttemptEnd, AttemptTracer, CallEnd, CallTracer, Ending, WaitReason } from "../../index.ts";
import { statusName } from "../conventions.ts";
import { type Instrument, instruments } from "./catalog.ts";
import type { MetricChoice } from "./choice.ts";
import { attemptHistograms, callHistograms, type EndHistogram, type MethodLabels } from "./histograms.ts";
import type { HistogramStore, Series } from "./series.ts";

/** Where the meters of all methods write. */
export interface MeterParts {
  readonly choice: MetricChoice;
  readonly store: HistogramStore;
  /** Of the transport's target. */
  readonly waited: (why: WaitReason, ms: number) => void;
}

/**
 * Measures all calls of one method: one object for all of them, which knows of none. The attributes of what it records are
 * made once for each status.
 */
export class MethodMeter implements CallTracer {
  attempts = 0;
  readonly #parts: MeterParts;
  readonly #calls: readonly EndRecorder<CallEnd>[];
  /** Undefined where nothing is recorded of attempts. */
  readonly #attemptTracer: AttemptTracer | undefined;

  constructor(parts: MeterParts, labels: MethodLabels) {
    this.#parts = parts;
    const { choice, store } = parts;
    const recorders = <E extends Ending>(histograms: readonly EndHistogram<E>[]) =>
      histograms.filter(({ name }) => choice.on.has(name)).map((one) => new EndRecorder(one, labels, store));
    this.#calls = recorders(callHistograms);
    const attempts = recorders(attemptHistograms);
    const ended = (end: AttemptEnd) => {
      for (const recorder of attempts) recorder.record(end);
    };
    this.#attemptTracer = attempts.length === 0 ? undefined : { ended };
  }

  attemptStarted(): AttemptTracer | undefined {
    this.attempts++;
    return this.#attemptTracer;
  }

  waited(why: WaitReason, ms: number): void {
    this.#parts.waited(why, ms);
  }

  ended(end: CallEnd): void {
    for (const recorder of this.#calls) recorder.record(end);
  }
}

/** One histogram of one method. */
class EndRecorder<E extends Ending> {
  readonly #histogram: EndHistogram<E>;
  readonly #instrument: Instrument;
  readonly #labels: MethodLabels;
  readonly #store: HistogramStore;
  /** By the number of the status code. */
  readonly #series: (Series | undefined)[] = [];

  constructor(histogram: EndHistogram<E>, labels: MethodLabels, store: HistogramStore) {
    this.#histogram = histogram;
    this.#instrument = instruments.get(histogram.name) as Instrument;
    this.#labels = labels;
    this.#store = store;
  }

  record(end: E): void {
    const value = this.#histogram.valueOf(end);
    if (value === undefined) return;
    const status = this.#histogram.byStatus ? end.code : undefined;
    let series = this.#series[status ?? 0];
    if (series === undefined) {
      series = this.#store.series(this.#instrument, this.#histogram.attributes(this.#labels, statusName(status)));
      this.#series[status ?? 0] = series;
    }
    series.record(value);
  }
}
