import { parseArgs } from "node:util";
import { type EngineName, engineNames } from "../../support/engines.ts";

export const usage = `npm run chaos -- [options]

  --seed S        the run's seed (0 to 4294967295, default by chance); the same seed makes the same rounds
  --seconds N     how long (1 to 86400, default 120); the round that goes on then is played to its end
  --round R       only the round with this seed, as printed with a finding
  --plan FILE     only the round that was written down there
  --engine E      wire, node, or both in turn by chance (default)
  --minimise N    seconds for making the first plan that fails smaller (0 to 86400, default 120; 0: it stays as it is)`;

/** What a run was asked for. */
export interface Arguments {
  readonly help: boolean;
  readonly seed: number;
  readonly seconds: number;
  readonly round: number | undefined;
  readonly plan: string | undefined;
  readonly engine: EngineName | undefined;
  readonly minimiseSeconds: number;
}

const largestSeed = 2 ** 32 - 1;

/** Throws an error that names the option that is wrong, its value and its range. */
export function readArguments(args: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: "boolean", short: "h", default: false },
      seed: { type: "string" },
      seconds: { type: "string", default: "120" },
      round: { type: "string" },
      plan: { type: "string" },
      engine: { type: "string", default: "both" },
      minimise: { type: "string", default: "120" },
    },
  });
  const engine = engineNames.find((name) => name === values.engine);
  if (engine === undefined && values.engine !== "both") {
    throw new Error(`--engine must be wire, node or both, not "${values.engine}"`);
  }
  return {
    help: values.help,
    seed: whole("--seed", values.seed ?? String(Math.floor(Math.random() * largestSeed)), 0, largestSeed),
    seconds: whole("--seconds", values.seconds, 1, 86_400),
    round: values.round === undefined ? undefined : whole("--round", values.round, 0, largestSeed),
    plan: values.plan,
    engine,
    minimiseSeconds: whole("--minimise", values.minimise, 0, 86_400),
  };
}

/** A whole number of the command line. */
export function whole(option: string, text: string, least: number, most: number): number {
  const value = /^[0-9]+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new Error(`${option} must be a whole number from ${least} to ${most}, not "${text}"`);
}
