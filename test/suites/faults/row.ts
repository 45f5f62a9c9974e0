import type { TestedRow } from "../../support/named-tests.ts";

/** A fault of the catalogue: what must hold when it happens, what glink gives, and the tests that hold it to that. */
export interface FaultRow extends TestedRow {
  readonly fault: string;
  /** Beside what holds for every call: it settles once and in time, with a typed error, and leaves nothing. */
  readonly holds: string;
  /** What glink gives its caller. */
  readonly gives: string;
  /** Default: both. */
  readonly engines?: "both" | "wire" | "node" | "none";
}
