/** A fault of the catalogue: what must hold when it happens, what glink gives, and the tests that hold it to that. */
export interface FaultRow {
  readonly id: string;
  readonly fault: string;
  /** Beside what holds for every call: it settles once and in time, with a typed error, and leaves nothing. */
  readonly holds: string;
  /** What glink gives its caller. */
  readonly gives: string;
  /** `path below test: the test's name as its source has it`. Empty: see `suites`, or `reason`. */
  readonly tests: readonly string[];
  /** Commands of suites that run it, as `.ci/run` or CONTRIBUTING.md has them: what is too long, or too large, for a test. */
  readonly suites?: readonly string[];
  /** Default: both. */
  readonly engines?: "both" | "wire" | "node" | "none";
  /** What of it is not run here, and why. */
  readonly reason?: string;
}
