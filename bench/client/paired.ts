import type { Peer } from "./peer.ts";
import type { Task } from "./task.ts";

// One process that holds several builds of glink, and runs their blocks of operations in turn.

/** Its argument, as JSON. */
export interface PairedTask {
  readonly task: Task;
  /** Roots of what was built. */
  readonly trees: readonly string[];
  readonly blocks: number;
  readonly operationsPerBlock: number;
}

/** Rounds before the first that counts: compilers are done by then. */
const warmUpRounds = 40;

const { task, trees, blocks, operationsPerBlock } = JSON.parse(process.argv[2] as string) as PairedTask;
const peers: Peer[] = [];
for (const tree of trees) {
  const { open } = await import(`${tree}.cache/bench/bench/client/glink.js`);
  peers.push(await open(task));
}
const cpuMicros = peers.map((): number[] => []);
for (let round = -warmUpRounds; round < blocks; round++) {
  // Each of them comes first, last and in between equally often.
  for (let i = 0; i < peers.length; i++) {
    const at = (i + Math.abs(round)) % peers.length;
    const micros = await block(peers[at] as Peer);
    if (round >= 0) cpuMicros[at]?.push(micros);
  }
}
process.stdout.write(`${JSON.stringify(cpuMicros)}\n`);
process.exit(0);

/** CPU of the process for one message of a block. */
async function block(peer: Peer): Promise<number> {
  let left = operationsPerBlock;
  const lane = async () => {
    while (left-- > 0) await peer.run();
  };
  const before = process.cpuUsage();
  await Promise.all(Array.from({ length: task.load.concurrency }, lane));
  const { user, system } = process.cpuUsage(before);
  return (user + system) / operationsPerBlock / task.load.messages;
}
