import {
  type LoadBalancing,
  leastRequest,
  peakEwma,
  randomPick,
  ringHash,
  roundRobin,
  weightedRoundRobin,
} from "../../src/index.ts";

/** Every policy that chooses among many, by the name of its function. */
export const policies: Readonly<Record<string, () => LoadBalancing>> = {
  roundRobin,
  randomPick,
  leastRequest,
  peakEwma,
  weightedRoundRobin,
  ringHash: () => ringHash({ key: () => "user-4711" }),
};
