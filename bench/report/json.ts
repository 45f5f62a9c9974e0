import type { Verdict } from "../budgets.ts";
import type { LoadResult, Pace } from "../rounds.ts";
import type { Machine } from "./machine.ts";

/** The whole report for machines. */
export function jsonReport(
  machine: Machine,
  pace: Pace,
  results: readonly LoadResult[],
  budgets: readonly Verdict[],
): string {
  const measured = results.map(({ load, figures }) => ({ load, figures: Object.fromEntries(figures) }));
  return JSON.stringify({ machine, pace, loads: measured, budgets }, undefined, 2);
}
