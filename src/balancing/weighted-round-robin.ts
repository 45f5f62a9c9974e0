import { checkNames, checkNumber, checkObject, describeValue, longestMs } from "../base/check.ts";
import type { LoadBalancing } from "./policy.ts";
import { WeightedRoundRobinPolicy, type WeightedRoundRobinSettings } from "./weighted-round-robin-policy.ts";

/** Options of {@link weightedRoundRobin}: gRFC A58's, times in milliseconds. */
export interface WeightedRoundRobinOptions {
  /**
   * Where backends report their load. Default `"per-call"`: in the trailer `endpoint-load-metrics-bin` of calls.
   * `"out-of-band"`: on a stream of their service `xds.service.orca.v3.OpenRcaService`, for backends that get few calls, or
   * long ones. `"both"`: whichever report is the newest.
   */
  readonly loadReports?: "per-call" | "out-of-band" | "both";
  /**
   * How often backends report out of band; a server may do it less often, grpc-go's every 30 s at most. In milliseconds.
   * Default 10 000, from 100. Not without `loadReports`: `"out-of-band"` or `"both"`.
   */
  readonly outOfBandIntervalMs?: number;
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
 * where the backends report (gRFC A51): grpc-go, gRPC C++ and Java have it, and a trailer is soon written.
 *
 * A backend without a report of use has the mean weight, and with fewer than two that have one, all have the same. The
 * weight that a resolver gives (`endpointWeight`) multiplies that of the reports.
 *
 * Throws a TypeError or RangeError that names the option.
 */
export function weightedRoundRobin(options: WeightedRoundRobinOptions = {}): LoadBalancing {
  const settings = checkOptions(options);
  return {
    name: "weighted_round_robin",
    createPolicy: (controller) => new WeightedRoundRobinPolicy(controller, settings),
  };
}

const sources: readonly unknown[] = ["per-call", "out-of-band", "both"];

const optionNames = [
  "loadReports",
  "outOfBandIntervalMs",
  "blackoutMs",
  "weightExpirationMs",
  "weightUpdateMs",
  "errorUtilizationPenalty",
  "utilizationMetrics",
];

function checkOptions(options: WeightedRoundRobinOptions): WeightedRoundRobinSettings {
  const name = "weightedRoundRobin";
  checkNames(name, checkObject(name, options), optionNames);
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
    ...checkSources(name, options),
  };
}

function checkSources(
  name: string,
  { loadReports = "per-call", outOfBandIntervalMs }: WeightedRoundRobinOptions,
): Pick<WeightedRoundRobinSettings, "perCall" | "outOfBandMs"> {
  if (!sources.includes(loadReports)) {
    const given = describeValue(loadReports);
    throw new TypeError(`${name}: loadReports must be "per-call", "out-of-band" or "both", not ${given}`);
  }
  const perCall = loadReports !== "out-of-band";
  if (loadReports !== "per-call") {
    const limits = { min: 100, max: longestMs };
    const outOfBandMs = checkNumber(`${name}: outOfBandIntervalMs`, outOfBandIntervalMs ?? 10_000, limits);
    return { perCall, outOfBandMs };
  }
  if (outOfBandIntervalMs === undefined) return { perCall, outOfBandMs: undefined };
  throw new TypeError(`${name}: outOfBandIntervalMs has no effect without loadReports: "out-of-band" or "both"`);
}
