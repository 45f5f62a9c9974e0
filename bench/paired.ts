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

const usage = `npm run bench:paired -- REF [options]

  --only LIST      loads, comma-separated: whole names, or parts of names (default unary-c32)
  --processes N    each measures all builds, in another order (default 12)
  --blocks N       of each build in each process (default 50)`;

/** Operations of a block, for loads of small messages: some milliseconds. */
const operationsPerBlock = 800;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    help: { type: "boolean", short: "h", default: false },
    only: { type: "string", default: "unary-c32" },
    processes: { type: "string", default: "12" },
    blocks: { type: "string", default: "50" },
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
    for (const load of chosenLoads(values.only, false)) {
      const micros = trees.map((): number[] => []);
      for (let i = 0; i < processes; i++) {
        for (const [at, ofOne] of (await measure(load, servers, rotated(trees, i), blocks)).entries()) {
          micros[(at + i) % trees.length]?.push(...ofOne);
        }
      }
      report(load.name, micros);
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
  return messageBytes > 1_000 ? operationsPerBlock / 10 : Math.max(operationsPerBlock, 4 * concurrency);
}

function rotated<T>(list: readonly T[], by: number): T[] {
  return list.map((_, at) => list[(at + by) % list.length] as T);
}

/** Blocks beside each other are compared, and the quarter that was disturbed least. */
function report(name: string, [before = [], again = [], now = []]: readonly number[][]): void {
  const paired = (one: readonly number[]) => quantile(ascending(one.map((us, i) => us / (before[i] as number))), 0.5);
  const low = (one: readonly number[]) => quantile(ascending(one), 0.25) / quantile(ascending(before), 0.25);
  const ratios = (one: readonly number[]) => `${paired(one).toFixed(3)} (lower quarters ${low(one).toFixed(3)})`;
  const micros = quantile(ascending(before), 0.5).toFixed(2);
  console.log(`${name.padEnd(20)} before ${micros} us/message | now ${ratios(now)} | control ${ratios(again)}`);
}

function ascending(values: readonly number[]): number[] {
  return [...values].sort((a, b) => a - b);
}
