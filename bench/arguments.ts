import { parseArgs } from "node:util";
import { everyPeer, latencyLoad, loads, type NamedLoad, type PeerName, quick, report } from "./loads.ts";
import type { Pace } from "./rounds.ts";

export const usage = `npm run bench -- [options]

  --report         what docs/performance.md shows, 7 processes each, to bench/results/latest.json: half an hour
                   of a quiet machine
  --quick          small unary c=32 and the 100-message stream, five peers, under 90 s; exit code 1 on a missed budget
  --only LIST      loads, comma-separated: whole names, or parts of names; and any of latency, scale
                   (npm run bench:scale) and loading (npm run bench:load)
  --peers LIST     only these peers
  --processes N    fresh processes of each client on each load (default 3, with --quick 2, with --report 7, and 3 of
                   clients that no budget compares with glink's)
  --rounds N       interleaved measurements of each process (default 3, with --report 2)
  --window MS      length of one measurement (default 300)
  --node-versions LIST   also measure glink on these versions of Node, such as 22,24.21.0; they come through npx
  --before REF     also measure glink as it was at this commit, and print what changed since
  --json [FILE]    JSON instead of the table, or to FILE beside it
  --profile PEER   write CPU profiles of this peer's processes to .cache/bench/profiles
  --list           the loads`;

/** Benchmarks that are programs of their own. */
const everyProgram = ["scale", "loading"] as const;
type ProgramName = (typeof everyProgram)[number];

/** What a run was asked for. */
export interface Arguments {
  readonly quick: boolean;
  readonly list: boolean;
  readonly help: boolean;
  readonly loads: readonly NamedLoad[];
  readonly peers: readonly PeerName[];
  /** Whose latency is measured; none: of nobody. */
  readonly latencyPeers: readonly PeerName[];
  readonly programs: readonly ProgramName[];
  readonly nodeVersions: readonly string[];
  /** The loads on which glink is measured on these, and with its other engine; undefined: all. */
  readonly variantLoads: readonly string[] | undefined;
  readonly pace: Pace;
  /** A commit, branch or tag of this repository. */
  readonly before: string | undefined;
  /** "-": standard output. */
  readonly json: string | undefined;
  readonly profile: PeerName | undefined;
}

/** What is chosen for whoever does not choose by other options. */
interface Defaults {
  readonly processes: string;
  readonly otherProcesses: number;
  readonly rounds: string;
  readonly loads: readonly NamedLoad[];
  readonly peers: readonly PeerName[];
  readonly latencyPeers: readonly PeerName[];
  readonly programs: readonly ProgramName[];
  readonly nodeVersions: readonly string[];
  readonly variantLoads?: readonly string[];
  readonly json?: string;
}

const usual: Defaults = {
  processes: "3",
  otherProcesses: Number.POSITIVE_INFINITY,
  rounds: "3",
  loads,
  peers: everyPeer,
  latencyPeers: latencyLoad.peers,
  programs: [],
  nodeVersions: [],
};
const ofQuick: Defaults = { ...usual, ...quick, loads: chosenLoads(quick.loads), latencyPeers: [], processes: "2" };
const ofReport: Defaults = {
  ...usual,
  ...report,
  loads: chosenLoads(report.loads),
  processes: "7",
  otherProcesses: 3,
  programs: everyProgram,
  rounds: "2",
  json: "bench/results/latest.json",
};

/** Throws an error that names the argument that is wrong. */
export function readArguments(args: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: args.map((argument, i) => (argument === "--json" && isFlag(args[i + 1]) ? "--json=-" : argument)),
    options: {
      report: { type: "boolean", default: false },
      quick: { type: "boolean", default: false },
      list: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
      only: { type: "string" },
      peers: { type: "string" },
      processes: { type: "string" },
      rounds: { type: "string" },
      window: { type: "string", default: "300" },
      "node-versions": { type: "string" },
      before: { type: "string" },
      json: { type: "string" },
      profile: { type: "string" },
    },
  });
  if (values.quick && values.report) throw new Error("--quick and --report are two kinds of run: choose one");
  const defaults = values.report ? ofReport : values.quick ? ofQuick : usual;
  const peers = values.peers?.split(",").map(peerNamed);
  const parts = values.only?.split(",");
  const processes = positive("--processes", values.processes ?? defaults.processes);
  const latencyPeers = parts?.includes(latencyLoad.name) === false ? [] : defaults.latencyPeers;
  return {
    quick: values.quick,
    list: values.list,
    help: values.help,
    loads: parts === undefined ? defaults.loads : chosenLoads(parts),
    peers: peers ?? defaults.peers,
    latencyPeers: latencyPeers.filter((peer) => peers?.includes(peer) ?? true),
    programs: parts === undefined ? defaults.programs : everyProgram.filter((name) => parts.includes(name)),
    nodeVersions: values["node-versions"]?.split(",") ?? defaults.nodeVersions,
    variantLoads: values.only === undefined ? defaults.variantLoads : undefined,
    pace: {
      processes,
      otherProcesses: Math.min(processes, defaults.otherProcesses),
      rounds: positive("--rounds", values.rounds ?? defaults.rounds),
      windowMs: positive("--window", values.window),
    },
    before: values.before,
    json: values.json ?? defaults.json,
    profile: values.profile === undefined ? undefined : peerNamed(values.profile),
  };
}

function isFlag(argument: string | undefined): boolean {
  return argument === undefined || argument.startsWith("--");
}

/** What `--only` may name beside loads. */
const besideLoads: readonly string[] = [latencyLoad.name, ...everyProgram];

/** The loads that names, or parts of names, mean, in the order of the report. */
export function chosenLoads(parts: readonly string[]): readonly NamedLoad[] {
  const names = parts.flatMap((part) => (loads.some(({ name }) => name === part) ? [part] : namesWith(part)));
  const chosen = loads.filter(({ name }) => names.includes(name));
  if (chosen.length === 0 && !parts.some((part) => besideLoads.includes(part))) {
    const all = [...loads.map(({ name }) => name), ...besideLoads];
    throw new Error(`--only ${parts.join(",")} names none of: ${all.join(", ")}`);
  }
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
