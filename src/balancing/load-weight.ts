import type { LoadReport } from "./load-report.ts";

/** How weights follow from load reports (gRFC A58). Times in milliseconds. */
export interface LoadWeightSettings {
  readonly blackoutMs: number;
  readonly weightExpirationMs: number;
  readonly errorUtilizationPenalty: number;
  /** gRFC A114: the greatest of these is the utilization where the application reports none of its own. */
  readonly utilizationMetrics: readonly string[];
}

/** A backend that reports more or less is mistaken, and what cannot be added up any more would give it all calls for ever. */
const weightRange = { min: 1e-9, max: 1e12 };

/** The weight of one backend as its own reports have it: how many requests it could serve if it were used in full. */
export class LoadWeight {
  readonly #settings: LoadWeightSettings;
  #weight = 0;
  /** Of the first report that was of use, since it connected or since the last one expired. */
  #usefulSinceMs: number | undefined;
  #reportedMs = Number.NEGATIVE_INFINITY;

  constructor(settings: LoadWeightSettings) {
    this.#settings = settings;
  }

  reported(report: LoadReport, nowMs: number): void {
    const qps = report.get("rps_fractional") ?? 0;
    const eps = report.get("eps") ?? 0;
    const utilization = this.#utilizationOf(report);
    if (!(qps > 0) || !(utilization > 0)) return;
    const penalty = (Math.max(0, eps) / qps) * this.#settings.errorUtilizationPenalty;
    const weight = qps / (utilization + penalty);
    if (!(weight >= weightRange.min && weight <= weightRange.max)) return;
    this.#weight = weight;
    this.#reportedMs = nowMs;
    this.#usefulSinceMs ??= nowMs;
  }

  /** Undefined: there is none to go by. The last report is too old, or the first one too new. */
  weightAt(nowMs: number): number | undefined {
    const { blackoutMs, weightExpirationMs } = this.#settings;
    if (this.#usefulSinceMs === undefined) return undefined;
    if (nowMs - this.#reportedMs >= weightExpirationMs) {
      // Whoever comes back waits for the blackout again.
      this.#usefulSinceMs = undefined;
      return undefined;
    }
    return nowMs - this.#usefulSinceMs < blackoutMs ? undefined : this.#weight;
  }

  #utilizationOf(report: LoadReport): number {
    const application = report.get("application_utilization") ?? 0;
    if (application > 0) return application;
    const named = this.#settings.utilizationMetrics.map((name) => report.get(name) ?? 0);
    const greatest = named.reduce((most, metric) => (metric > most ? metric : most), 0);
    return greatest > 0 ? greatest : (report.get("cpu_utilization") ?? 0);
  }
}
