import { cpuRatio, type LoadResult } from "./figures.ts";

/** What became of glink's CPU since an earlier commit, on a load. */
export interface Change {
  readonly text: string;
  readonly ratio: number;
}

/** Every load on which glink was measured beside what it was. */
export function changes(results: readonly LoadResult[]): Change[] {
  return results.flatMap(({ load, figures }) =>
    (["glink", "glink-node"] as const).flatMap((name) => {
      const [now, before] = [figures[name], figures[`${name}-before`]];
      if (now === undefined || before === undefined) return [];
      return [{ text: `${load.name}: cpu of ${name}`, ratio: cpuRatio(now, before).median }];
    }),
  );
}
