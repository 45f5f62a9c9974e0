import { parseArgs } from "node:util";
import { chosenLoads, positive } from "./arguments.ts";
import { build, buildAlone, built } from "./build.ts";
import type { PairedTask } from "./client/paired.ts";
import { LineProcess } from "./line-process.ts";
import type { NamedLoad } from "./loads.ts";
import { Servers } from "./server-process.ts";
import { quantile } from "./statistics.ts";

// What a change costs: this tree and an earlier commit in one process, block by block in turn. Separate processes differ
// by a third from each other on a busy machine; within one, a control (the commit against itself) stays within a percent.
// Ratios are those of each process, their median and, in brackets, their quartiles.

const usage = `npm run bench:paired -- REF [options]

  --only LIST      loads, comma-separated: whole names, or parts of names (default unary-c32)
  --processes N    each measures all builds, in another order (default 12)
  --blocks N       of each build in each process (default 100)`;

/** Operations of a block, for loads of small messages: a few milliseconds, so that most blocks are not disturbed. */
const operationsPerBlock = 400;

/** The same for large ones. */
const bytesPerBlock = 8 * 2 ** 20;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    help: { type: "boolean", short: "h", default: false },
    only: { type: "string", default: "unary-c32" },
    processes: { type: "string", default: "12" },
    blocks: { type: "string", default: "100" },
  },
});
const [commit] = positionals;
if (values.help || commit === undefined) console.log(usage);
else await run(commit, positive("--processes", values.processes), positive("--blocks", values.blocks));

async function run(commit: string, processes: number, blocks: number): Promise<void> {
  build();
  const trees = [buildAlone("paired-before", commit), buildAlone("paired-again", commit), buildAlone("paired-now")];
  const servers = await Servers.start();
  try {
    for (const load of chosenLoads(values.only.split(","))) {
      const runs: number[][][] = [];
      for (let i = 0; i < processes; i++) {
        const measured = await measure(load, servers, rotated(trees, i), blocks);
        runs.push(
          trees.map((_, tree) => measured[(tree + trees.length - (i % trees.length)) % trees.length] as number[]),
        );
      }
      report(load.name, runs);
    }
  } finally {
    await servers.stop();
  }
}

async function measure(load: NamedLoad, servers: Servers, trees: readonly string[], blocks: number) {
  const certificate = load.listener === "tls" ? servers.certificate : undefined;
  const task: PairedTask = {
    task: { peer: "glink", load, backends: servers.backends("glink", load), certificate },
    trees,
    blocks,
    operationsPerBlock: operationsOf(load),
  };
  const client = new LineProcess("paired client", process.execPath, [
    built("bench/client/paired.ts"),
    JSON.stringify(task),
  ]);
  const micros = await client.receive<number[][]>();
  await client.end();
  return micros;
}

function operationsOf({ messages, messageBytes, concurrency }: NamedLoad): number {
  if (messages > 1) return Math.max(concurrency, Math.round((10 * operationsPerBlock) / messages));
  if (messageBytes <= 1_000) return Math.max(operationsPerBlock, 4 * concurrency);
  return Math.max(concurrency, Math.min(operationsPerBlock / 10, Math.floor(bytesPerBlock / messageBytes)));
}

function rotated<T>(list: readonly T[], by: number): T[] {
  return list.map((_, at) => list[(at + by) % list.length] as T);
}

/** Of each process, the blocks of each tree. */
function report(name: string, runs: readonly (readonly number[][])[]): void {
  const [before = [], again = [], now = []] = [0, 1, 2].map((tree) => runs.map((run) => usual(run[tree] as number[])));
  const ratios = (one: readonly number[]) => {
    const sorted = ascending(one.map((us, i) => us / (before[i] as number)));
    const [low, median, high] = [0.25, 0.5, 0.75].map((q) => quantile(sorted, q).toFixed(3));
    return `${median} (${low}-${high})`;
  };
  const micros = quantile(ascending(before), 0.5).toFixed(2);
  console.log(`${name.padEnd(20)} before ${micros} us/message | now ${ratios(now)} | control ${ratios(again)}`);
}

/** What a block costs, but for the fifth that was disturbed most: collections of garbage count, other processes less. */
function usual(micros: readonly number[]): number {
  const kept = ascending(micros).slice(0, Math.ceil(0.8 * micros.length));
  return kept.reduce((sum, us) => sum + us, 0) / kept.length;
}

function ascending(values: readonly number[]): number[] {
  return [...values].sort((a, b) => a - b);
}
