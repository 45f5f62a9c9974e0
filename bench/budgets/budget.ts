import type { ContenderName } from "../contender.ts";
import type { Figures, LoadResult } from "../figures.ts";
import type { Latency } from "../latency.ts";
import type { Loading } from "../module-load.ts";
import type { ScaleRow } from "../programs.ts";

/** What a run found, as far as it went. */
export interface Findings {
  readonly loads: readonly LoadResult[];
  /** Empty where it was not asked for. */
  readonly latency: readonly Latency[];
  /** Empty where it was not asked for. */
  readonly scale: readonly ScaleRow[];
  /** Undefined where it was not asked for. */
  readonly loading: Loading | undefined;
}

/** What is wanted of glink, as a sentence and as a question to a run. */
export interface Budget {
  /** Of what: a kind of call, so many backends. */
  readonly subject: string;
  /** `CPU at most 1.2 × grpc-go's` */
  readonly wanted: string;
  /** Undefined where the run did not measure it. */
  judge(findings: Findings): Judgement | undefined;
}

export interface Judgement {
  /** With its unit, and its range where it has one. */
  readonly measured: string;
  readonly met: boolean;
}

/** A budget and how it was kept. */
export type Verdict = Judgement & Pick<Budget, "subject" | "wanted">;

/** What was found of a contender on a load. */
export function figuresOn({ loads }: Findings, load: string, name: ContenderName): Figures | undefined {
  return loads.find((one) => one.load.name === load)?.figures[name];
}
