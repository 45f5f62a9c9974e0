import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** A full collection, and what finalizers let go of after it. */
export async function collectGarbage(): Promise<void> {
  for (let i = 0; i < 3; i++) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** The heap in use after {@link collectGarbage}, in MB with two decimals. */
export async function heapInUseMb(): Promise<number> {
  await collectGarbage();
  return Math.round(process.memoryUsage().heapUsed / 10_000) / 100;
}
