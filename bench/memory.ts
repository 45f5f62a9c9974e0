import { parseArgs } from "node:util";
import { build } from "./build.ts";
import { noListenersLeft } from "./memory/aborts.ts";
import { flatOverCalls } from "./memory/calls.ts";
import { rotationsUnderLoad } from "./memory/rotations.ts";
import { idleSubchannels } from "./memory/subchannels.ts";
import { printVerdict, type Verdict } from "./memory/verdict.ts";
import { Servers } from "./server-process.ts";

// Does glink keep what it should let go? `node --import tsx bench/memory.ts [--only subchannels,calls,aborts,rotations]`.
// Prints a verdict for each claim; exit code 1 where one does not hold.

const { values } = parseArgs({ options: { only: { type: "string", default: "subchannels,calls,aborts,rotations" } } });
build();
const servers = await Servers.start();
const backends = (listener: "echo" | "silent") => servers.backends("glink", { listener, addresses: 2 });
const port = () => Number(servers.backends("glink", { listener: "echo", addresses: 1 })[0]?.split(":")[1]);

const checks: Record<string, () => Promise<Verdict | Verdict[]>> = {
  subchannels: () => idleSubchannels(),
  calls: () => flatOverCalls(backends("echo")),
  aborts: () => noListenersLeft(backends("echo"), backends("silent")),
  rotations: () => rotationsUnderLoad(port()),
};

const verdicts: Verdict[] = [];
try {
  for (const name of values.only.split(",")) {
    const check = checks[name];
    if (check === undefined) throw new Error(`unknown check ${name}: one of ${Object.keys(checks).join(", ")}`);
    for (const verdict of [await check()].flat()) {
      verdicts.push(verdict);
      printVerdict(verdict);
    }
  }
} finally {
  await servers.stop();
}
process.exitCode = verdicts.every(({ holds }) => holds) ? 0 : 1;
