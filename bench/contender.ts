import { availableParallelism } from "node:os";
import { cache, root } from "./build.ts";
import type { MeasureCommand, Measurement, OpenLoopCommand, Task } from "./client/task.ts";
import type { BucketCounts } from "./histogram.ts";
import { LineProcess } from "./line-process.ts";
import type { Load, NamedLoad, PeerName } from "./loads.ts";
import type { Servers } from "./server-process.ts";

/** glink with the load that another is compared with. */
export type PlainName = `${"glink" | "glink-node"}-plain`;

/** glink as it was at an earlier commit. */
export type BeforeName = `${"glink" | "glink-node"}-before`;

/** glink on another version of Node than the others. */
export type OnNodeName = `glink@${string}`;

/** A line of the report: a peer, or glink as its own yardstick. */
export type ContenderName = PeerName | PlainName | BeforeName | OnNodeName;

/** One peer on one load. */
export interface Entry {
  readonly name: ContenderName;
  readonly peer: PeerName;
  readonly load: Load;
  /** The root of what was built for it. */
  readonly tree: string;
  /** The Node that it runs on. */
  readonly node: string;
}

/** The peers that the Go client is. */
export const inGo: readonly PeerName[] = ["grpc-go", "connect-go"];

/** Who is measured, beside the load. */
export interface Companions {
  readonly peers: readonly PeerName[];
  /** The root of an earlier build of glink. */
  readonly before: string | undefined;
  /** Other Nodes for glink: the path of each, by its version. */
  readonly nodes: ReadonlyMap<string, string>;
}

/** Who is measured in the rounds of a load. */
export function entriesOf(load: NamedLoad, { peers, before, nodes }: Companions): Entry[] {
  const present = load.peers.filter((peer) => peers.includes(peer));
  const usual = { load, tree: root, node: process.execPath };
  const entries: Entry[] = present.map((peer) => ({ ...usual, name: peer, peer }));
  const own = (["glink", "glink-node"] as const).filter((peer) => present.includes(peer));
  const { compareWith } = load;
  if (compareWith !== undefined) {
    for (const peer of own) entries.push({ ...usual, name: `${peer}-plain`, peer, load: compareWith });
  }
  if (before !== undefined) {
    for (const peer of own) entries.push({ ...usual, name: `${peer}-before`, peer, tree: before });
  }
  if (own.includes("glink")) {
    for (const [version, node] of nodes) entries.push({ ...usual, name: `glink@${version}`, peer: "glink", node });
  }
  return entries;
}

/** How client processes are run. */
export interface RunOptions {
  /** The built Go client. */
  readonly goClient: string | undefined;
  /** Write a CPU profile of this peer's processes. */
  readonly profile: PeerName | undefined;
}

/** The client process of one entry. Idle except while it measures. */
export class Contender {
  readonly entry: Entry;
  readonly #process: LineProcess;

  private constructor(entry: Entry, process: LineProcess) {
    this.entry = entry;
    this.#process = process;
  }

  /** Resolves once it is connected, and its compilers are done. */
  static async start(entry: Entry, servers: Servers, options: RunOptions): Promise<Contender> {
    const { peer, load, name } = entry;
    const certificate = load.listener === "tls" ? servers.certificate : undefined;
    const task: Task = { peer, load, backends: servers.backends(peer, load), certificate };
    const [command, ...args] = commandOf(entry, options);
    const child = new LineProcess(`the client ${name}`, command as string, [...args, JSON.stringify(task)]);
    await child.receive();
    const contender = new Contender(entry, child);
    await contender.measure(warmUp(load));
    return contender;
  }

  /** As many at a time as there are cores: nothing is measured yet. Where one fails, those that did not are ended. */
  static async startAll(entries: readonly Entry[], servers: Servers, options: RunOptions): Promise<Contender[]> {
    const started: Contender[] = [];
    const left = entries.entries();
    const lane = async () => {
      for (const [i, entry] of left) started[i] = await Contender.start(entry, servers, options);
    };
    const lanes = await Promise.allSettled(Array.from({ length: availableParallelism() }, lane));
    const failed = lanes.find((one) => one.status === "rejected");
    if (failed === undefined) return started;
    await Promise.all(started.map((contender) => contender.end()));
    throw failed.reason;
  }

  measure(command: MeasureCommand): Promise<Measurement> {
    this.#process.send(command);
    return this.#process.receive();
  }

  /** Calls that are due at their own times, and how long they took from then. */
  openLoop(command: OpenLoopCommand): Promise<BucketCounts> {
    this.#process.send(command);
    return this.#process.receive();
  }

  end(): Promise<void> {
    return this.#process.end();
  }
}

function warmUp({ messages }: Load): MeasureCommand {
  const operations = Math.max(5, 1_500 / messages);
  return { durationMs: 300, atLeast: { operations, cpuMs: 1_500, limitMs: 15_000 }, probeHeap: false };
}

function commandOf({ peer, tree, node }: Entry, { goClient, profile }: RunOptions): string[] {
  if (inGo.includes(peer)) return [goClient as string];
  const profiling = profile === peer ? ["--cpu-prof", `--cpu-prof-dir=${cache}/profiles`] : [];
  // connect-node 2.2 warns about Node 20 and works on it.
  return [node, "--no-warnings", ...profiling, `${tree}.cache/bench/bench/client/worker.js`];
}
