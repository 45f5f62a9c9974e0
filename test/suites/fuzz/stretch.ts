import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { engines as bothEngines, type Engine, wireEngine } from "../../unit/http2/wire/engine.ts";
import { type FoundCase, fuzz } from "./fuzzer.ts";
import { readRecordedSessions } from "./recorded-sessions.ts";

/** Some cases of a run. */
export interface Stretch {
  readonly engine: "both" | "wire";
  readonly seed: number;
  /** Index of the first case. */
  readonly from: number;
  /** It ends with whichever comes first. */
  readonly cases: number;
  readonly seconds: number;
}

/** What came of it, as it is sent to the parent. */
export interface StretchResult {
  readonly cases: number;
  readonly found: readonly FoundCase[];
  /** Signature, and seeds of its cases. */
  readonly unstable: readonly (readonly [string, readonly number[]])[];
  readonly tolerated: readonly (readonly [string, number])[];
  /** Heap at the end, less what it was when a tenth was done. */
  readonly heapGrowthBytes: number;
}

export function enginesOf({ engine }: Pick<Stretch, "engine">): readonly Engine[] {
  return engine === "wire" ? [wireEngine] : bothEngines;
}

/** Plays the cases in this process, which should be one of its own: stretch-process.ts. */
export async function runStretch(stretch: Stretch): Promise<StretchResult> {
  const { seed, from, cases: most, seconds } = stretch;
  const begunMs = performance.now();
  const heapBytes = collector();
  let firstHeapBytes: number | undefined;
  const { cases, found, unstable, tolerated } = await fuzz({
    engines: enginesOf(stretch),
    seed,
    from,
    recorded: readRecordedSessions(),
    goesOn: (begun) => {
      const passedMs = performance.now() - begunMs;
      if (firstHeapBytes === undefined && Math.max(begun / most, passedMs / seconds / 1_000) > 0.1) {
        firstHeapBytes = heapBytes();
      }
      return begun < most && passedMs < seconds * 1_000;
    },
  });
  const heapGrowthBytes = heapBytes() - (firstHeapBytes ?? heapBytes());
  return { cases, found, unstable: [...unstable], tolerated: [...tolerated], heapGrowthBytes };
}

/** Collects garbage and returns what is left, in bytes. */
function collector(): () => number {
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc") as () => void;
  return () => {
    gc();
    return process.memoryUsage().heapUsed;
  };
}
