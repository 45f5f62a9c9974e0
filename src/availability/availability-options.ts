import { checkNumber, orDefault } from "../base/check.ts";
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
}

export interface AvailabilitySettings {
  readonly outlierDetection: OutlierOptions | false;
  readonly panicThreshold: number;
}

export const availabilityDefaults: Pick<AvailabilitySettings, "panicThreshold"> = Object.freeze({
  panicThreshold: 0.5,
});

export function checkAvailabilityOptions(given: AvailabilityInit): AvailabilitySettings {
  const { panicThreshold } = availabilityDefaults;
  return {
    outlierDetection: checkOutlierOptions(orDefault(given.outlierDetection, {})),
    panicThreshold: checkNumber("panicThreshold", orDefault(given.panicThreshold, panicThreshold), { min: 0, max: 1 }),
  };
}
