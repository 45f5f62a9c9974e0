import {
  type LoadBalancing,
  leastRequest,
  peakEwma,
  pickFirst,
  randomPick,
  ringHash,
  roundRobin,
  weightedRoundRobin,
} from "../../../src/index.ts";
import type { Chance } from "../fuzz/chance.ts";
import { type JsonObject, some } from "./draws.ts";

/** Every policy, and what a round draws for its options. */
const policies: Readonly<
  Record<string, { readonly make: (options: object) => LoadBalancing; readonly draw: (chance: Chance) => JsonObject }>
> = {
  roundRobin: { make: () => roundRobin(), draw: () => ({}) },
  randomPick: { make: () => randomPick(), draw: () => ({}) },
  pickFirst: { make: pickFirst, draw: (chance) => some(chance, 0.5, "shuffle", () => true) },
  leastRequest: { make: leastRequest, draw: (chance) => some(chance, 0.5, "choices", () => chance.int(2, 10)) },
  peakEwma: {
    make: peakEwma,
    draw: (chance) => ({
      ...some(chance, 0.5, "decayMs", () => chance.int(100, 5_000)),
      ...some(chance, 0.5, "failurePenaltyMs", () => chance.int(0, 5_000)),
    }),
  },
  ringHash: {
    make: ringHash,
    draw: (chance) => ({
      ...some(chance, 0.5, "key", () => "x-echo-id"),
      ...some(chance, 0.3, "minRingSize", () => chance.int(1, 4_096)),
    }),
  },
  weightedRoundRobin: {
    make: weightedRoundRobin,
    draw: (chance) => ({
      ...(chance.is(0.4)
        ? { loadReports: chance.pick(["out-of-band", "both"]), outOfBandIntervalMs: chance.int(100, 1_000) }
        : {}),
      ...some(chance, 0.5, "blackoutMs", () => chance.int(0, 1_000)),
      ...some(chance, 0.5, "weightExpirationMs", () => chance.int(0, 5_000)),
      ...some(chance, 0.5, "weightUpdateMs", () => chance.int(100, 1_000)),
    }),
  },
};

export const policyNames: readonly string[] = Object.keys(policies);

export function policyDraws(chance: Chance): JsonObject {
  const policy = chance.pick(policyNames);
  return { policy, options: policies[policy]?.draw(chance) ?? {} };
}

/** The policy that was drawn. */
export function makePolicy({ policy, options }: JsonObject): LoadBalancing {
  const known = policies[policy as string];
  if (known === undefined) throw new Error(`there is no policy ${String(policy)}`);
  return known.make(options as JsonObject);
}
