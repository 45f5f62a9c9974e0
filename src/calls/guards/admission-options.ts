import { checkNames, checkNumber, checkObject, definedFields } from "../../base/check.ts";

/**
 * A client whose servers refuse most of its calls sends fewer: the adaptive throttling of the SRE book (Handling
 * Overload). A call counts as refused that ended with Unavailable or ResourceExhausted by the word of a server.
 */
export interface AdmissionOptions {
  /**
   * So many calls are sent for each that is not refused. 2: with half of the calls refused all are still sent. Lower
   * protects servers sooner; higher finds out sooner that they are well again. Default 2, range 1.1 to 100.
   */
  readonly ratio: number;
  /** Calls of the last so many milliseconds count. Default 120 000, range 1 000 to 3 600 000. */
  readonly windowMs: number;
  /** Fewer calls a second than this, over the window, are all sent. Default 1, range 0 to 1 000 000. */
  readonly minPerSecond: number;
  /** At most this share of the calls is dropped: the rest finds out that servers are well again. Default 0.9, range 0 to 0.99. */
  readonly maxDropShare: number;
}

const admissionDefaults: AdmissionOptions = Object.freeze({
  ratio: 2,
  windowMs: 120_000,
  minPerSecond: 1,
  maxDropShare: 0.9,
});

/** Returns the options with every field present and in range, or throws an error that names the one that is not. */
export function checkAdmissionOptions(given: Partial<AdmissionOptions>): AdmissionOptions {
  checkNames("admission", checkObject("admission", given, "false or an object"), Object.keys(admissionDefaults));
  const options = { ...admissionDefaults, ...definedFields(given) };
  checkNumber("admission.ratio", options.ratio, { min: 1.1, max: 100 });
  checkNumber("admission.windowMs", options.windowMs, { min: 1_000, max: 3_600_000 });
  checkNumber("admission.minPerSecond", options.minPerSecond, { min: 0, max: 1_000_000 });
  checkNumber("admission.maxDropShare", options.maxDropShare, { min: 0, max: 0.99 });
  return Object.freeze(options);
}
