import { positive } from "./arguments.ts";
import { build, built } from "./build.ts";
import type { InstrumentedBlocks, InstrumentedTask } from "./client/instrumented.ts";
import { instrumentations } from "./instrumentations.ts";
import { LineProcess } from "./line-process.ts";
import { Servers } from "./server-process.ts";
import { medianOf } from "./statistics.ts";

// What instrumentation adds to a small unary call, in microseconds of CPU: `npm run bench:otel [-- BLOCKS]`. Each has a process
// of its own, in which blocks of calls take turns: without instrumentation, the same again as a control, with the SDK used by
// hand around each call, where an SDK has a part in it, and with the instrumentation. Medians of the differences of blocks
// that are beside each other.

const blocks = positive("BLOCKS", process.argv[2] ?? "100");

/** At most, beyond what the SDK takes by hand, in microseconds. */
const budgets: Readonly<Record<string, number>> = { metrics: 3, "unsampled span": 2.5, "sampled span": 5 };

build();
const servers = await Servers.start();
try {
  const backends = servers.backends("glink", { listener: "echo", addresses: 2 });
  console.log(
    "| instrumentation | call without, µs | control, µs | adds, µs | SDK by hand, µs | beyond the SDK, µs | budget, µs |",
  );
  console.log("|---|---|---|---|---|---|---|");
  for (const name of Object.keys(instrumentations)) {
    const task: InstrumentedTask = { name, backends, blocks };
    const { plain, control, instrumented, byHand } = await run(task);
    const beyondSdk = byHand.length === 0 ? "" : difference(instrumented, byHand);
    const ofSdk = byHand.length === 0 ? "" : difference(byHand, plain);
    const added = [difference(control, plain), difference(instrumented, plain), ofSdk, beyondSdk];
    console.log(`| ${[name, medianOf(plain).toFixed(1), ...added, budgets[name] ?? ""].join(" | ")} |`);
  }
} finally {
  await servers.stop();
}

/** The one line of `bench/client/instrumented`. */
async function run(task: InstrumentedTask): Promise<InstrumentedBlocks> {
  const client = new LineProcess("instrumented", process.execPath, [
    built("bench/client/instrumented.ts"),
    JSON.stringify(task),
  ]);
  const line = await client.receive<InstrumentedBlocks>();
  await client.end();
  return line;
}

function difference(these: readonly number[], those: readonly number[]): string {
  return medianOf(these.map((us, i) => us - (those[i] as number))).toFixed(2);
}
