import { positive } from "./arguments.ts";
import { build, built } from "./build.ts";
import type { InstrumentedBlocks, InstrumentedTask } from "./client/instrumented.ts";
import { instrumentations, sdkShares } from "./instrumentations.ts";
import { LineProcess } from "./line-process.ts";
import { Servers } from "./server-process.ts";
import { quantile } from "./statistics.ts";

// What instrumentation adds to a small unary call, in microseconds of CPU: `npm run bench:otel [-- BLOCKS]`. Each has a process
// of its own with a transport without instrumentation, the same again as a control, and one with it: blocks of calls
// beside each other are compared. Medians of the differences.

const blocks = positive("BLOCKS", process.argv[2] ?? "100");

/** At most, in microseconds. */
const budgets: Readonly<Record<string, number>> = { metrics: 3, "unsampled span": 2.5, "sampled span": 5 };

build();
const servers = await Servers.start();
try {
  const backends = servers.backends("glink", { listener: "echo", addresses: 2 });
  console.log("| instrumentation | call without, µs | adds, µs | control, µs | budget, µs | the SDK alone, µs |");
  console.log("|---|---|---|---|---|---|");
  for (const name of Object.keys(instrumentations)) {
    const task: InstrumentedTask = { name, backends, blocks };
    const { plain, control, instrumented } = await run<InstrumentedBlocks>("instrumented", JSON.stringify(task));
    const added = (one: readonly number[]) => median(one.map((us, i) => us - (plain[i] as number))).toFixed(2);
    const share = sdkShares[name] === undefined ? "" : median(await run<number[]>("sdk-share", name)).toFixed(2);
    const cells = [name, median(plain).toFixed(1), added(instrumented), added(control), budgets[name] ?? "", share];
    console.log(`| ${cells.join(" | ")} |`);
  }
} finally {
  await servers.stop();
}

/** The one line of `bench/client/NAME`. */
async function run<T>(name: string, argument: string): Promise<T> {
  const client = new LineProcess(name, process.execPath, [built(`bench/client/${name}.ts`), argument]);
  const line = await client.receive<T>();
  await client.end();
  return line;
}

function median(values: readonly number[]): number {
  return quantile(
    values.toSorted((a, b) => a - b),
    0.5,
  );
}
