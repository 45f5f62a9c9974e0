import { digits } from "../report/numbers.ts";
import type { Budget } from "./budget.ts";

const figures = { p50: "p50Ms", p99: "p99Ms" } as const;

/** Low CPU must not have been bought with waiting: at the same share of what each makes at the most. */
export function noLongerThanGo(name: keyof typeof figures, share: number): Budget {
  return {
    subject: `latency at ${100 * share} % of its most`,
    wanted: `${name} no longer than grpc-go's at ${100 * share} % of its`,
    judge: ({ latency }) => {
      const [one, other] = (["glink", "grpc-go"] as const).map((wanted) =>
        latency.find(({ peer }) => peer === wanted)?.atShares.find((at) => at.share === share),
      );
      if (one === undefined || other === undefined) return undefined;
      const [mine, its] = [one[figures[name]].median, other[figures[name]].median];
      return { measured: `${digits(mine)} ms, and ${digits(its)} in grpc-go`, met: mine <= its };
    },
  };
}
