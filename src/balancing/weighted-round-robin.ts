import { checkNames, checkNumber, checkObject, describeValue, longestMs } from "../base/check.ts";
import type { LoadBalancing } from "./policy.ts";
import { WeightedRoundRobinPolicy, type WeightedRoundRobinSettings } from "./weighted-round-robin-policy.ts";

/** Options of {@link weightedRoundRobin}: gRFC A58's, times in milliseconds. */
export interface WeightedRoundRobinOptions {
  /** So long after its first report a backend still has the mean weight: it warms up. Default 10 000, from 0. */
  readonly blackoutMs?: number;
  /** After so long without a report a backend has the mean weight again. Default 180 000, from 0. */
  readonly weightExpirationMs?: number;
  /** How often turns are made anew from the newest weights. Default 1 000, from 100. */
  readonly weightUpdateMs?: number;
  /** How much of its utilization the share of a backend's errors counts as. Default 1, from 0 to 1 000. */
  readonly errorUtilizationPenalty?: number;
  /**
   * The utilization is the greatest of these, where a backend reports no `application_utilization`: `mem_utilization`, or
   * `named_metrics.queue`. Default: none, and so `cpu_utilization`. gRFC A114.
   */
  readonly utilizationMetrics?: readonly string[];
}

/**
 * Backends in turn, by weights that follow from their own load reports (ORCA): requests in a second by utilization, less
 * for errors. A backend with half the utilization at the same rate gets twice the calls. For fleets of unequal machines,
 * where the backends report: grpc-go's and others' ORCA support, in the trailer `endpoint-load-metrics-bin`.
 *
 * A backend without a report of use has the mean weight, and with fewer than two that have one, all have the same. The
 * weight that a resolver gives (`endpointWeight`) multiplies that of the reports.
 */
export function weightedRoundRobin(options: WeightedRoundRobinOptions = {}): LoadBalancing {
  const settings = checkOptions(options);
  return {
    name: "weighted_round_robin",
    createPolicy: (controller) => new WeightedRoundRobinPolicy(controller, settings),
  };
}

function checkOptions(options: WeightedRoundRobinOptions): WeightedRoundRobinSettings {
  const name = "weightedRoundRobin";
  const names = ["blackoutMs", "weightExpirationMs", "weightUpdateMs", "errorUtilizationPenalty", "utilizationMetrics"];
  checkNames(name, checkObject(name, options), names);
  const { blackoutMs = 10_000, weightExpirationMs = 180_000, weightUpdateMs = 1_000 } = options;
  const { errorUtilizationPenalty = 1, utilizationMetrics = [] } = options;
  if (!Array.isArray(utilizationMetrics) || utilizationMetrics.some((one) => typeof one !== "string")) {
    const given = describeValue(utilizationMetrics);
    throw new TypeError(`${name}: utilizationMetrics must be an array of names, not ${given}`);
  }
  return {
    blackoutMs: checkNumber(`${name}: blackoutMs`, blackoutMs, { min: 0, max: longestMs }),
    weightExpirationMs: checkNumber(`${name}: weightExpirationMs`, weightExpirationMs, { min: 0, max: longestMs }),
    weightUpdateMs: checkNumber(`${name}: weightUpdateMs`, weightUpdateMs, { min: 100, max: longestMs }),
    errorUtilizationPenalty: checkNumber(`${name}: errorUtilizationPenalty`, errorUtilizationPenalty, {
      min: 0,
      max: 1_000,
    }),
    utilizationMetrics: [...utilizationMetrics],
  };
}
