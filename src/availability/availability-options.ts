import { checkNames, checkNumber, checkObject, describeValue, orDefault } from "../base/check.ts";
import type { HealthCheckOptions } from "./health-checks.ts";
import { checkOutlierOptions, type OutlierInit, type OutlierOptions } from "./outlier-options.ts";

/** Which connected backends calls may go to. */
export interface AvailabilityInit {
  /**
   * Leave a backend out for a while when calls to it fail and calls to others do not. Default on: after five failures
   * of the server's fault in a row, for 30 s and longer each time, at most a tenth of the pool. `false`: never. gRFC A50.
   */
  outlierDetection?: false | OutlierInit;
  /**
   * Below this share of connected backends that are neither unhealthy nor ejected, calls go to all of them. Default 0.5,
   * from 0 to 1; 0: when there is none.
   */
  panicThreshold?: number;
  /**
   * Ask each connection whether the service works, and use a backend once it says so. Default: none, it is not asked.
   * `{ service: "" }` asks for the server as a whole. gRFC A17: healthCheckConfig.
   */
  healthCheck?: HealthCheckOptions;
  /**
   * How long the weight of a backend that comes into use grows, from a tenth of it. Default 0: it has all of it at once.
   * From 0 to 3 600 000. Envoy's slow_start_window.
   */
  slowStartMs?: number;
}

export interface AvailabilitySettings {
  readonly outlierDetection: OutlierOptions | false;
  readonly panicThreshold: number;
  readonly healthCheck: HealthCheckOptions | undefined;
  readonly slowStartMs: number;
}

export const availabilityDefaults: Pick<AvailabilitySettings, "panicThreshold" | "slowStartMs"> = Object.freeze({
  panicThreshold: 0.5,
  slowStartMs: 0,
});

export function checkAvailabilityOptions(given: AvailabilityInit): AvailabilitySettings {
  const { panicThreshold, slowStartMs } = availabilityDefaults;
  const slowStartRange = { min: 0, max: 3_600_000 };
  return {
    outlierDetection: checkOutlierOptions(orDefault(given.outlierDetection, {})),
    panicThreshold: checkNumber("panicThreshold", orDefault(given.panicThreshold, panicThreshold), { min: 0, max: 1 }),
    healthCheck: given.healthCheck === undefined ? undefined : checkHealthCheck(given.healthCheck),
    slowStartMs: checkNumber("slowStartMs", orDefault(given.slowStartMs, slowStartMs), slowStartRange),
  };
}

function checkHealthCheck(given: HealthCheckOptions): HealthCheckOptions {
  const { service } = checkObject("healthCheck", given, 'an object like { service: "pkg.Service" }');
  checkNames("healthCheck", given, ["service"]);
  if (typeof service !== "string") {
    throw new TypeError(`healthCheck.service must be a string, "" for the whole server, not ${describeValue(service)}`);
  }
  return { service };
}
