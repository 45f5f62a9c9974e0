import type { Measurement } from "../../../bench/client/task.ts";
import type { ContenderName } from "../../../bench/contender.ts";
import { figuresOf, type LoadResult } from "../../../bench/figures.ts";
import { loads, type NamedLoad } from "../../../bench/loads.ts";
import type { Result } from "../../../bench/report/result.ts";

export function namedLoad(name: string): NamedLoad {
  const load = loads.find((one) => one.name === name);
  if (load === undefined) throw new Error(`there is no load ${name}`);
  return load;
}

/** A window of a second with 1 000 operations. */
export function measurement(cpuMicrosPerOperation: number): Measurement {
  const operations = 1_000;
  const cpuMicros = cpuMicrosPerOperation * operations;
  return { operations, wallMs: 1_000, cpuMicros, p50Ms: 1, p99Ms: 2, rssMiB: 100 };
}

/** A load of which each client has CPU for an operation in each of its processes. */
export function loadResult(
  name: string,
  micros: Readonly<Partial<Record<ContenderName, readonly number[]>>>,
): LoadResult {
  const load = namedLoad(name);
  const figures = Object.entries(micros).map(([client, processes = []]) => [
    client,
    figuresOf(
      load,
      processes.map((one) => [measurement(one * load.messages)]),
    ),
  ]);
  return { load, figures: Object.fromEntries(figures) };
}

/** A result with these parts, of three processes. */
export function resultOf(parts: Partial<Result>): Result {
  return {
    machine: {
      date: "2026-11-23T10:00:00.000Z",
      commit: "0123456789ab",
      command: "npm run bench",
      processor: "A & B",
      cores: 2,
      memoryGiB: 8,
      loadAverage: 0.25,
      versions: { node: "20.1.0", nghttp2: "1.61.0", glink: "0.1.0", "grpc-go": "1.83.1", "node@24": "24.2.0" },
    },
    pace: { processes: 3, otherProcesses: 3, rounds: 2, windowMs: 300 },
    loads: [],
    latency: [],
    scale: [],
    loading: undefined,
    budgets: [],
    ...parts,
  };
}
