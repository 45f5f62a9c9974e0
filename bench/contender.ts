import { built, cache } from "./build.ts";
import type { MeasureCommand, Measurement, Task } from "./client/task.ts";
import { LineProcess } from "./line-process.ts";
import { type Load, type NamedLoad, type PeerName, plainLoad } from "./loads.ts";
import type { Servers } from "./server-process.ts";

/** glink with the plain small unary load, beside a variant of it. */
export type PlainName = `${"glink" | "glink-node"}-plain`;

/** A line of the report: a peer, or glink as its own yardstick. */
export type ContenderName = PeerName | PlainName;

/** One peer on one load. */
export interface Entry {
  readonly name: ContenderName;
  readonly peer: PeerName;
  readonly load: Load;
}

/** Who is measured in the rounds of a load. */
export function entriesOf(load: NamedLoad, peers: readonly PeerName[]): Entry[] {
  const entries: Entry[] = load.peers
    .filter((peer) => peers.includes(peer))
    .map((peer) => ({ name: peer, peer, load }));
  if (!load.comparePlain) return entries;
  const plain = (["glink", "glink-node"] as const).filter((peer) => peers.includes(peer));
  return [...entries, ...plain.map((peer) => ({ name: `${peer}-plain` as const, peer, load: plainLoad }))];
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

  /** Resolves once it is connected. */
  static async start(entry: Entry, servers: Servers, options: RunOptions): Promise<Contender> {
    const { peer, load, name } = entry;
    const certificate = load.listener === "tls" ? servers.certificate : undefined;
    const task: Task = { peer, load, backends: servers.backends(peer, load), certificate };
    const [command, ...args] = commandOf(peer, options);
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

function commandOf(peer: PeerName, { goClient, profile }: RunOptions): string[] {
  if (peer === "grpc-go") return [goClient as string];
  const profiling = profile === peer ? ["--cpu-prof", `--cpu-prof-dir=${cache}/profiles`] : [];
  // connect-node 2.2 warns about Node 20 and works on it.
  return [process.execPath, "--no-warnings", ...profiling, built("bench/client/worker.ts")];
}
