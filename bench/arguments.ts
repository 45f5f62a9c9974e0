import { parseArgs } from "node:util";
import { everyPeer, loads, type NamedLoad, type PeerName, quick } from "./loads.ts";
import type { Pace } from "./rounds.ts";

export const usage = `npm run bench -- [options]

  --quick          small unary c=32 and the 100-message stream, four peers, under 90 s; exit code 1 on a missed budget
  --only LIST      loads, comma-separated: whole names, or parts of names
  --peers LIST     only these peers
  --rounds N       interleaved rounds, 5 or more for a report (default 9, with --quick 5)
  --before REF     also measure glink as it was at this commit, and print what changed since
  --window MS      length of one measurement (default 500)
  --json [FILE]    JSON instead of the table, or to FILE beside it
  --svg FILE       where the plot goes (default bench/results/bench.svg; --quick and --only write none by default)
  --profile PEER   write CPU profiles of this peer's processes to .cache/bench/profiles
  --list           the loads`;

/** What a run was asked for. */
export interface Arguments {
  readonly quick: boolean;
  readonly list: boolean;
  readonly help: boolean;
  readonly loads: readonly NamedLoad[];
  readonly peers: readonly PeerName[];
  readonly pace: Pace;
  /** A commit, branch or tag of this repository. */
  readonly before: string | undefined;
  /** "-": standard output. */
  readonly json: string | undefined;
  readonly svg: string | undefined;
  readonly profile: PeerName | undefined;
}

/** Throws an error that names the argument that is wrong. */
export function readArguments(args: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: args.map((argument, i) => (argument === "--json" && isFlag(args[i + 1]) ? "--json=-" : argument)),
    options: {
      quick: { type: "boolean", default: false },
      list: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
      only: { type: "string" },
      peers: { type: "string" },
      rounds: { type: "string" },
      before: { type: "string" },
      window: { type: "string", default: "500" },
      json: { type: "string" },
      svg: { type: "string" },
      profile: { type: "string" },
    },
  });
  const whole = values.only === undefined && !values.quick;
  return {
    quick: values.quick,
    list: values.list,
    help: values.help,
    loads: chosenLoads(values.only, values.quick),
    peers: values.peers?.split(",").map(peerNamed) ?? (values.quick ? quick.peers : everyPeer),
    pace: {
      rounds: positive("--rounds", values.rounds ?? (values.quick ? "5" : "9")),
      windowMs: positive("--window", values.window),
    },
    before: values.before,
    json: values.json,
    svg: values.svg ?? (whole ? "bench/results/bench.svg" : undefined),
    profile: values.profile === undefined ? undefined : peerNamed(values.profile),
  };
}

function isFlag(argument: string | undefined): boolean {
  return argument === undefined || argument.startsWith("--");
}

/** The loads that a list of names, or of parts of names, means. */
export function chosenLoads(only: string | undefined, isQuick: boolean): readonly NamedLoad[] {
  const parts = only?.split(",") ?? (isQuick ? quick.loads : [""]);
  const names = parts.flatMap((part) => (loads.some(({ name }) => name === part) ? [part] : namesWith(part)));
  const chosen = loads.filter(({ name }) => names.includes(name));
  if (chosen.length === 0) throw new Error(`--only ${only} names none of: ${loads.map(({ name }) => name).join(", ")}`);
  return chosen;
}

function namesWith(part: string): string[] {
  return loads.map(({ name }) => name).filter((name) => name.includes(part));
}

function peerNamed(name: string): PeerName {
  const peer = everyPeer.find((one) => one === name);
  if (peer === undefined) throw new Error(`unknown peer ${name}: one of ${everyPeer.join(", ")}`);
  return peer;
}

/** @throws an error that names the flag. */
export function positive(flag: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`${flag} must be a whole number from 1, not ${text}`);
  return value;
}
