import { cache, root } from "./build.ts";
import type { MeasureCommand, Measurement, Task } from "./client/task.ts";
import { LineProcess } from "./line-process.ts";
import type { Load, NamedLoad, PeerName } from "./loads.ts";
import type { Servers } from "./server-process.ts";

/** glink with the load that another is compared with. */
export type PlainName = `${"glink" | "glink-node"}-plain`;

/** glink as it was at an earlier commit. */
export type BeforeName = `${"glink" | "glink-node"}-before`;

/** A line of the report: a peer, or glink as its own yardstick. */
export type ContenderName = PeerName | PlainName | BeforeName;

/** One peer on one load. */
export interface Entry {
  readonly name: ContenderName;
  readonly peer: PeerName;
  readonly load: Load;
  /** The root of what was built for it. */
  readonly tree: string;
}

/** The peers that the Go client is. */
export const inGo: readonly PeerName[] = ["grpc-go", "connect-go"];

/** Who is measured in the rounds of a load. `before`: the root of an earlier build of glink, to be measured too. */
export function entriesOf(load: NamedLoad, peers: readonly PeerName[], before: string | undefined): Entry[] {
  const present = load.peers.filter((peer) => peers.includes(peer));
  const entries: Entry[] = present.map((peer) => ({ name: peer, peer, load, tree: root }));
  const own = (["glink", "glink-node"] as const).filter((peer) => present.includes(peer));
  const { compareWith } = load;
  if (compareWith !== undefined) {
    for (const peer of own) entries.push({ name: `${peer}-plain`, peer, load: compareWith, tree: root });
  }
  if (before !== undefined) {
    for (const peer of own) entries.push({ name: `${peer}-before`, peer, load, tree: before });
  }
  return entries;
}

/** How client processes are run. */
export interface RunOptions {
  /** The built Go client. */
  readonly goClient: string | undefined;
  /** The root of an earlier build of glink. */
  readonly before: string | undefined;
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

  /** Resolves once it is connected. */
  static async start(entry: Entry, servers: Servers, options: RunOptions): Promise<Contender> {
    const { peer, load, name } = entry;
    const certificate = load.listener === "tls" ? servers.certificate : undefined;
    const task: Task = { peer, load, backends: servers.backends(peer, load), certificate };
    const [command, ...args] = commandOf(entry, options);
    const child = new LineProcess(`the client ${name}`, command as string, [...args, JSON.stringify(task)]);
    await child.receive();
    return new Contender(entry, child);
  }

  measure(command: MeasureCommand): Promise<Measurement> {
    this.#process.send(command);
    return this.#process.receive();
  }

  end(): Promise<void> {
    return this.#process.end();
  }
}

function commandOf({ peer, tree }: Entry, { goClient, profile }: RunOptions): string[] {
  if (inGo.includes(peer)) return [goClient as string];
  const profiling = profile === peer ? ["--cpu-prof", `--cpu-prof-dir=${cache}/profiles`] : [];
  // connect-node 2.2 warns about Node 20 and works on it.
  return [process.execPath, "--no-warnings", ...profiling, `${tree}.cache/bench/bench/client/worker.js`];
}
