import { checkNames, checkNumber, checkObject } from "../base/check.ts";

/** A subset in its exact form: client `index` of `count`. */
export interface ExactSubset {
  /** To how many endpoints each connects. */
  readonly size: number;
  /** Which of the clients this one is: from 0, below `count`. */
  readonly index: number;
  /** How many clients there are. */
  readonly count: number;
}

/** To how many endpoints a client connects. `Infinity`: to all. */
export type SubsetSize = number | ExactSubset;

const most = 1_000_000_000;

export function checkSubsetSize(given: SubsetSize): SubsetSize {
  if (typeof given !== "object") {
    return checkNumber("subsetSize", given, { min: 1, max: most, integer: true, infinity: "all" });
  }
  checkNames("subsetSize", checkObject("subsetSize", given, "a number or { size, index, count }"), [
    "size",
    "index",
    "count",
  ]);
  const size = checkNumber("subsetSize.size", given.size, { min: 1, max: most, integer: true });
  const count = checkNumber("subsetSize.count", given.count, { min: 1, max: most, integer: true });
  const index = checkNumber("subsetSize.index", given.index, { min: 0, max: count - 1, integer: true });
  return { size, index, count };
}
