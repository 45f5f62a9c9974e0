import type { Clock, TimerHandle } from "../runtime/clock.ts";
import type { Backend } from "../subchannel/backend.ts";
import { readLoadReport } from "./load-report.ts";
import { LoadWeight, type LoadWeightSettings } from "./load-weight.ts";
import type { AttemptOutcome, Pick, Picker } from "./picker.ts";
import { type Policy, type PolicyController, type PolicyFacts, type PolicyUpdate, ReadyPolicy } from "./policy.ts";
import { WeightedPicker } from "./weighted-picker.ts";

/** Where a call's load report comes, in base64. */
const reportTrailer = "endpoint-load-metrics-bin";

/** How weights follow from reports, and how often they are looked at. */
export interface WeightedRoundRobinSettings extends LoadWeightSettings {
  readonly weightUpdateMs: number;
}

/** A connected backend, its pick, and what its reports say. */
interface Reporter {
  readonly pick: Pick;
  readonly load: LoadWeight;
}

/** Keeps the weights of backends that report their load, and turns by them (gRFC A58). */
export class WeightedRoundRobinPolicy implements Policy {
  readonly #settings: WeightedRoundRobinSettings;
  readonly #clock: Clock;
  readonly #base: ReadyPolicy;
  /** Of those that are connected: whoever connects anew begins with a blackout. */
  readonly #reporters = new Map<Backend, Reporter>();
  #serving: { readonly ready: readonly Backend[]; readonly picker: WeightedPicker; weights: Float64Array } | undefined;
  #timer: TimerHandle | undefined;

  constructor(controller: PolicyController, settings: WeightedRoundRobinSettings) {
    this.#settings = settings;
    this.#clock = controller.clock;
    this.#base = new ReadyPolicy(controller, (ready, _previous, random) => {
      const weights = this.#weightsOf(ready);
      const picks = ready.map((backend) => this.#reporterOf(backend).pick);
      const picker = new WeightedPicker({ ready, picks, weights, random });
      this.#serving = { ready, picker, weights };
      return picker satisfies Picker;
    });
  }

  update(update: PolicyUpdate): void {
    for (const backend of update.changed) if (backend.state !== "ready") this.#reporters.delete(backend);
    if (update.ready.length === 0) this.#rest();
    this.#base.update(update);
    if (this.#serving !== undefined) this.#timer ??= this.#updateLater();
  }

  close(): void {
    this.#rest();
  }

  /** `loadWeight`: what its reports make of it, undefined without one of use. */
  factsOf(backend: Backend): PolicyFacts | undefined {
    const loadWeight = this.#reporters.get(backend)?.load.weightAt(this.#clock.now());
    return loadWeight === undefined ? undefined : { loadWeight };
  }

  #rest(): void {
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#serving = undefined;
  }

  #updateLater(): TimerHandle {
    return this.#clock.setTimeout(() => {
      this.#timer = this.#updateLater();
      this.#reweigh();
    }, this.#settings.weightUpdateMs);
  }

  #reweigh(): void {
    const serving = this.#serving;
    if (serving === undefined) return;
    const weights = this.#weightsOf(serving.ready);
    if (weights.every((weight, i) => weight === serving.weights[i])) return;
    serving.weights = weights;
    serving.picker.reweigh(weights);
  }

  /** Those of the reports, or their mean where there is none; with fewer than two all are equal. Times the backends' own. */
  #weightsOf(ready: readonly Backend[]): Float64Array {
    const nowMs = this.#clock.now();
    const reported = ready.map((backend) => this.#reporterOf(backend).load.weightAt(nowMs));
    let sum = 0;
    let count = 0;
    for (const weight of reported) {
      if (weight === undefined) continue;
      sum += weight;
      count++;
    }
    const mean = count < 2 ? 1 : sum / count;
    return Float64Array.from(ready, (backend, i) => backend.weight * (count < 2 ? 1 : (reported[i] ?? mean)));
  }

  #reporterOf(backend: Backend): Reporter {
    const known = this.#reporters.get(backend);
    if (known !== undefined) return known;
    const load = new LoadWeight(this.#settings);
    const tracker = { started: () => undefined, ended: (outcome: AttemptOutcome) => this.#ended(load, outcome) };
    const reporter = { load, pick: { backend, tracker } };
    this.#reporters.set(backend, reporter);
    return reporter;
  }

  #ended(load: LoadWeight, { trailers }: AttemptOutcome): void {
    for (let i = 0; i < trailers.length; i += 2) {
      if (trailers[i] !== reportTrailer) continue;
      const report = readLoadReport(Buffer.from(trailers[i + 1] as string, "base64"));
      if (report !== undefined) load.reported(report, this.#clock.now());
      return;
    }
  }
}
