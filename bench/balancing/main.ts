import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { leastRequest, peakEwma, roundRobin } from "../../src/index.ts";
import { pickCosts } from "./picks.ts";
import { drawLatencies } from "./picture.ts";
import { policies } from "./policies.ts";
import { run } from "./real-servers.ts";
import { type Outcome, type Scenario, simulate } from "./simulation.ts";

// npm run bench:balancing [-- --only picks,simulation,real] [-- --seed 1]

const only = argument("--only")?.split(",") ?? ["picks", "simulation", "real"];
const seed = Number(argument("--seed") ?? 1);

/** Three backends, one of which is ten times slower than the others. */
const oneSlow: Scenario = { serviceMs: [5, 5, 50], workers: 8, callsPerSecond: 400, calls: 20_000 };

/**
 * The same with real servers, twice. A backend with a bounded number of workers that is ten times slower has a tenth of the
 * capacity, and a third of 200 calls a second is more than its 40. One that only answers late carries whatever comes, and
 * then its calls are the slowest hundredth with every policy that sends it one in a hundred.
 */
const oneSlowServer = {
  "eight workers each": [20, 20, 200].map((delayMs) => ({ delayMs, workers: 8 })),
  "which only answers late": [20, 20, 200].map((delayMs) => ({ delayMs })),
};

if (only.includes("picks")) {
  console.log("a pick among 10 000 backends");
  for (const { policy, nanoseconds, bytes } of pickCosts(10_000)) {
    console.log(`  ${policy.padEnd(32)} ${nanoseconds.toFixed(0).padStart(5)} ns  ${bytes} bytes`);
  }
}

if (only.includes("simulation")) {
  console.log(`simulation: three backends, one ten times slower; seed ${seed}`);
  const outcomes: Record<string, Outcome> = {};
  for (const [name, make] of Object.entries(policies)) {
    if (name === "ringHash" || name === "weightedRoundRobin") continue;
    outcomes[name] = await simulate(make(), oneSlow, seed);
    console.log(`  ${name.padEnd(16)} ${describe(outcomes[name])}`);
  }
  const folder = join(import.meta.dirname, "../../docs/images");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "balancing.svg"), drawLatencies(outcomes, seed));
}

if (only.includes("real")) {
  for (const [scene, behaviours] of Object.entries(oneSlowServer)) {
    console.log(`real servers: three, one ten times slower, ${scene}; 2 400 calls at 200 calls/s`);
    for (const [name, make] of Object.entries({ roundRobin, leastRequest, peakEwma })) {
      const outcome = await run({ loadBalancing: make() }, behaviours, 2_400, 200);
      console.log(`  ${name.padEnd(16)} ${describe(outcome)}`);
    }
  }
  console.log("real servers: four, one answers Unavailable at once, 2 400 calls at 200 calls/s, no retries");
  const behaviours = [{ delayMs: 2 }, { delayMs: 2 }, { delayMs: 2 }, { fails: true }] as const;
  for (const [name, make] of Object.entries({ roundRobin, leastRequest, peakEwma })) {
    for (const ejection of [{ outlierDetection: false }, {}] as const) {
      const { failed } = await run({ loadBalancing: make(), ...ejection }, behaviours, 2_400, 200);
      const how = "outlierDetection" in ejection ? "without ejection" : "with defaults";
      console.log(`  ${name.padEnd(16)} ${how.padEnd(17)} ${failed} of 2 400 failed`);
    }
  }
}

function argument(name: string): string | undefined {
  const at = process.argv.indexOf(name);
  return at === -1 ? undefined : process.argv[at + 1];
}

function percent(share: number | undefined): string {
  return `${((share ?? 0) * 100).toFixed(1)} %`;
}

function describe({ shares, p50Ms, p99Ms }: Pick<Outcome, "shares" | "p50Ms" | "p99Ms">): string {
  return `slow one's share ${percent(shares[2])}, p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(0)} ms`;
}
