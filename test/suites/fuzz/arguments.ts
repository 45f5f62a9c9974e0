import { parseArgs } from "node:util";

export const usage = `npm run fuzz -- [options]

  --seconds N     how long (1 to 86400, default 60)
  --cases N       no more than that (1 to 4294967295, default no limit); with a seed, the same run on every machine
  --seed S        the run's seed (0 to 4294967295, default by chance); the same seed makes the same cases
  --engine E      both (default): outcomes are compared; wire: the own engine's invariants alone, twice as many cases
  --case C        only the case with this seed (0 to 4294967295), as printed with a finding, and all of it in words`;

/** What a run was asked for. */
export interface Arguments {
  readonly help: boolean;
  readonly seconds: number;
  readonly cases: number;
  readonly seed: number;
  readonly engine: "both" | "wire";
  readonly caseSeed: number | undefined;
}

const largestSeed = 2 ** 32 - 1;

/** Throws an error that names the option that is wrong, its value and its range. */
export function readArguments(args: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: "boolean", short: "h", default: false },
      seconds: { type: "string", default: "60" },
      cases: { type: "string", default: String(largestSeed) },
      seed: { type: "string" },
      engine: { type: "string", default: "both" },
      case: { type: "string" },
    },
  });
  const { engine } = values;
  if (engine !== "both" && engine !== "wire") throw new Error(`--engine must be "both" or "wire", not "${engine}"`);
  return {
    help: values.help,
    seconds: whole("--seconds", values.seconds, 1, 86_400),
    cases: whole("--cases", values.cases, 1, largestSeed),
    seed: whole("--seed", values.seed ?? String(Math.floor(Math.random() * largestSeed)), 0, largestSeed),
    engine,
    caseSeed: values.case === undefined ? undefined : whole("--case", values.case, 0, largestSeed),
  };
}

function whole(option: string, text: string, least: number, most: number): number {
  const value = /^[0-9]+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new Error(`${option} must be a whole number from ${least} to ${most}, not "${text}"`);
}
