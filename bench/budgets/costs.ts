import type { ContenderName } from "../contender.ts";
import { cpuAbove, cpuRatio } from "../figures.ts";
import { grouped, rangeText } from "../report/numbers.ts";
import { titleOf } from "../titles.ts";
import { type Budget, figuresOn } from "./budget.ts";

// Kinds of budgets for what a call or, in streams, a message costs.

/** So much CPU, and no more, in multiples of another's. */
export function cpu(of: ContenderName, load: string, to: ContenderName, limit: number): Budget {
  return {
    subject: subjectOf(of, load),
    wanted: limit === 1 ? `no more CPU than ${to}` : `CPU at most ${timesText(limit)} ${to}'s`,
    judge: (findings) => {
      const [one, other] = [figuresOn(findings, load, of), figuresOn(findings, load, to)];
      if (one === undefined || other === undefined) return undefined;
      const ratio = cpuRatio(one, other);
      return { measured: `${rangeText(ratio, ratioText)} ×`, met: ratio.median <= limit };
    },
  };
}

/** So much CPU above what the same call takes without what the load adds. */
export function cpuOver(of: "glink" | "glink-node", load: string, limitMicros: number): Budget {
  return {
    subject: subjectOf(of, load),
    wanted: `at most ${limitMicros} µs of CPU above the same call without`,
    judge: (findings) => {
      const [one, other] = [figuresOn(findings, load, of), figuresOn(findings, load, `${of}-plain`)];
      if (one === undefined || other === undefined) return undefined;
      const above = cpuAbove(one, other);
      return { measured: `${rangeText(above, grouped)} µs`, met: above.median <= limitMicros };
    },
  };
}

/** So much CPU for a message in grpc-go's, or so little above what no transport can save: whichever is kept. */
export function streamCpu(load: string, limit: number, limitMicros: number): Budget {
  return {
    subject: subjectOf("glink", load),
    wanted: `CPU at most ${timesText(limit)} grpc-go's, or within ${limitMicros} µs a message of no-network`,
    judge: (findings) => {
      const glink = figuresOn(findings, load, "glink");
      const [go, alone] = [figuresOn(findings, load, "grpc-go"), figuresOn(findings, load, "no-network")];
      if (glink === undefined || go === undefined || alone === undefined) return undefined;
      const [ratio, above] = [cpuRatio(glink, go), cpuAbove(glink, alone)];
      return {
        measured: `${rangeText(ratio, ratioText)} ×, ${rangeText(above, grouped)} µs above`,
        met: ratio.median <= limit || above.median <= limitMicros,
      };
    },
  };
}

/** So many calls a second, and no fewer, in multiples of another's. */
export function throughput(of: ContenderName, load: string, to: ContenderName, limit: number): Budget {
  return {
    subject: subjectOf(of, load),
    wanted: limit === 1 ? `no fewer calls a second than ${to}` : `calls a second at least ${timesText(limit)} ${to}'s`,
    judge: (findings) => {
      const [one, other] = [figuresOn(findings, load, of), figuresOn(findings, load, to)];
      if (one === undefined || other === undefined) return undefined;
      const ratio = one.operationsPerSecond.median / other.operationsPerSecond.median;
      return { measured: `${ratioText(ratio)} ×`, met: ratio >= limit };
    },
  };
}

function subjectOf(of: ContenderName, load: string): string {
  return of === "glink" ? titleOf(load) : `${titleOf(load)}: ${of}`;
}

function timesText(limit: number): string {
  return `${+limit.toFixed(2)} ×`;
}

function ratioText(ratio: number): string {
  return ratio.toFixed(2);
}
