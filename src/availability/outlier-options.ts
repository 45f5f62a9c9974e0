import { checkNames, checkNumber, checkObject, definedFields, longestMs, type NumberRange } from "../base/check.ts";

/** gRFC A50: backends whose success rate is far below the mean of all. */
export interface SuccessRateOptions {
  /** A thousandth of a standard deviation below the mean. Default 1 900, from 0 to 100 000. */
  readonly stdevFactor: number;
  /** How many of those that are found are ejected. Default 100, from 0 to 100. */
  readonly enforcementPercentage: number;
  /** Fewer backends with volume enough are not compared. Default 5, from 0 to 1 000 000. */
  readonly minimumHosts: number;
  /** Calls that a backend must have had in an interval. Default 100, from 1 to 1 000 000 000. */
  readonly requestVolume: number;
}

/** gRFC A50: backends more of whose calls fail than a threshold says. */
export interface FailurePercentageOptions {
  /** The percentage of calls above which a backend fails too many. Default 85, from 0 to 100. */
  readonly threshold: number;
  /** How many of those that are found are ejected. Default 100, from 0 to 100. */
  readonly enforcementPercentage: number;
  /** With fewer backends that have volume enough nothing is ejected. Default 5, from 0 to 1 000 000. */
  readonly minimumHosts: number;
  /** Calls that a backend must have had in an interval. Default 50, from 1 to 1 000 000 000. */
  readonly requestVolume: number;
}

/** When a backend is left out because calls to it fail. Times are in milliseconds. */
export interface OutlierOptions {
  /**
   * Failures of the server's fault in a row, while calls to other backends succeed. Default 5, from 1 to 1 000 000;
   * `Infinity`: no number is enough.
   */
  readonly consecutiveFailures: number;
  /** What `successRate` and `failurePercentage` compare; and an ejection is forgiven for each that passed. Default 10 000, from 100. */
  readonly intervalMs: number;
  /** How long a first ejection lasts, and by how much each further one is longer. Default 30 000, from 1. */
  readonly baseEjectionMs: number;
  /** No ejection lasts longer. Default 300 000, from 1: or `baseEjectionMs`, if that is longer. */
  readonly maxEjectionMs: number;
  /** At most this share of the backends at a time, and one where there are three or more. Default 10, from 0 to 100; 0: none. */
  readonly maxEjectionPercent: number;
  /** Ejects backends that succeed far less than all others. Default: none. `{}`: gRFC A50's. */
  readonly successRate: SuccessRateOptions | undefined;
  /** Ejects backends that fail more than a threshold. Default: none. `{}`: gRFC A50's. */
  readonly failurePercentage: FailurePercentageOptions | undefined;
}

/** As users write them: what is left out has its default. */
export type OutlierInit = Partial<Omit<OutlierOptions, "successRate" | "failurePercentage">> & {
  /** The comparison of success rates (gRFC A50). Default: none. */
  readonly successRate?: Partial<SuccessRateOptions> | undefined;
  /** The comparison of failures with a threshold (gRFC A50). Default: none. */
  readonly failurePercentage?: Partial<FailurePercentageOptions> | undefined;
};

const successRateDefaults: SuccessRateOptions = Object.freeze({
  stdevFactor: 1_900,
  enforcementPercentage: 100,
  minimumHosts: 5,
  requestVolume: 100,
});

const failurePercentageDefaults: FailurePercentageOptions = Object.freeze({
  threshold: 85,
  enforcementPercentage: 100,
  minimumHosts: 5,
  requestVolume: 50,
});

const outlierDefaults: OutlierOptions = Object.freeze({
  consecutiveFailures: 5,
  intervalMs: 10_000,
  baseEjectionMs: 30_000,
  maxEjectionMs: 300_000,
  maxEjectionPercent: 10,
  successRate: undefined,
  failurePercentage: undefined,
});

const percentage: NumberRange = { min: 0, max: 100 };
const hosts: NumberRange = { min: 0, max: 1_000_000, integer: true };
const volume: NumberRange = { min: 1, max: 1_000_000_000, integer: true };

export function checkOutlierOptions(given: false | OutlierInit): OutlierOptions | false {
  const name = "outlierDetection";
  if (given === false) return false;
  const fields = definedFields(checkObject(name, given, "false or an object"));
  checkNames(name, fields, Object.keys(outlierDefaults));
  const { successRate, failurePercentage } = given;
  const numbers = { ...outlierDefaults, ...fields };
  const number = (
    field: "consecutiveFailures" | "intervalMs" | "baseEjectionMs" | "maxEjectionMs",
    range: NumberRange,
  ) => checkNumber(`${name}.${field}`, numbers[field], range);
  const failures = { min: 1, max: 1_000_000, integer: true, infinity: "no number is enough" };
  return {
    consecutiveFailures: number("consecutiveFailures", failures),
    intervalMs: number("intervalMs", { min: 100, max: longestMs }),
    baseEjectionMs: number("baseEjectionMs", { min: 1, max: longestMs }),
    maxEjectionMs: number("maxEjectionMs", { min: 1, max: longestMs }),
    maxEjectionPercent: checkNumber(`${name}.maxEjectionPercent`, numbers.maxEjectionPercent, percentage),
    successRate:
      successRate === undefined
        ? undefined
        : checkFields(`${name}.successRate`, successRate, successRateDefaults, {
            stdevFactor: { min: 0, max: 100_000 },
            enforcementPercentage: percentage,
            minimumHosts: hosts,
            requestVolume: volume,
          }),
    failurePercentage:
      failurePercentage === undefined
        ? undefined
        : checkFields(`${name}.failurePercentage`, failurePercentage, failurePercentageDefaults, {
            threshold: percentage,
            enforcementPercentage: percentage,
            minimumHosts: hosts,
            requestVolume: volume,
          }),
  };
}

/** Numbers alone, each with its range. */
function checkFields<T extends object>(
  name: string,
  given: Partial<T>,
  defaults: T,
  ranges: { readonly [K in keyof T]: NumberRange },
): T {
  const fields = { ...defaults, ...definedFields(checkObject(name, given)) };
  checkNames(name, fields, Object.keys(defaults));
  for (const [field, range] of Object.entries(ranges)) {
    checkNumber(`${name}.${field}`, fields[field as keyof T], range as NumberRange);
  }
  return fields;
}
