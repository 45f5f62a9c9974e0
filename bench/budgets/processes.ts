import { type Churn, churns, type ScaleRow } from "../programs.ts";
import { digits } from "../report/numbers.ts";
import type { Budget, Findings, Judgement } from "./budget.ts";

// What a process has to bear: many backends, many targets, being loaded.

function atMost(value: number | undefined, limit: number | undefined, unit: string): Judgement | undefined {
  if (value === undefined || limit === undefined) return undefined;
  return { measured: `${digits(value)} ${unit}`, met: value <= limit };
}

/** Of the most backends of glink that were measured, and of grpc-js with as many. */
function ofMostBackends(
  wanted: string,
  judge: (glink: ScaleRow, grpcJs: ScaleRow | undefined) => Judgement | undefined,
): Budget {
  const rows = ({ scale }: Findings, peer: ScaleRow["peer"]) => scale.filter((row) => row.peer === peer && !row.tls);
  return {
    subject: "thousands of backends",
    wanted,
    judge: (findings) => {
      const glink = rows(findings, "glink")
        .sort((a, b) => (a.backends ?? 0) - (b.backends ?? 0))
        .at(-1);
      if (glink === undefined) return undefined;
      const judgement = judge(
        glink,
        rows(findings, "grpc-js").find(({ backends }) => backends === glink.backends),
      );
      return judgement && { ...judgement, measured: `${judgement.measured} with ${glink.backends}` };
    },
  };
}

/** The most of a figure, of processes with so many targets. */
function ofTargets(
  count: number,
  wanted: string,
  figure: "wakeUpsPerSecond" | "cpuMsPerSecond",
  limit: number,
  unit: string,
): Budget {
  return {
    subject: `${count} idle targets`,
    wanted,
    judge: ({ scale }) => {
      const values = scale.filter(({ targets }) => targets === count).map((row) => row[figure] ?? Number.NaN);
      return values.length === 0 ? undefined : atMost(Math.max(...values), limit, unit);
    },
  };
}

const churnWords: Readonly<Record<Churn, string>> = {
  sameAnswer: "DNS says the same again",
  halfLeave: "half of all leave",
  rotation: "all are replaced",
};

function longestTurnMs(row: ScaleRow): number | undefined {
  const turns = (["connect", ...churns] as const).map((phase) => row[`${phase}TurnCpuMs`]);
  return turns.reduce((most, one) => (most === undefined || one === undefined ? undefined : Math.max(most, one)));
}

const bytesPerKib = 1_024;
const kibOf = (bytes: number | undefined) => bytes && bytes / bytesPerKib;

export const manyBackends: readonly Budget[] = [
  ofMostBackends("all are connected no later than grpc-js's", (glink, grpcJs) =>
    atMost(glink.allReadyMs, grpcJs?.allReadyMs, "ms"),
  ),
  ofMostBackends("the first call is answered within 200 ms", ({ firstCallMs }) => atMost(firstCallMs, 200, "ms")),
  ofMostBackends("at most 12 KiB for each that is connected", (row) => atMost(kibOf(row.bytesPerBackend), 12, "KiB")),
  ofMostBackends("no turn of the event loop takes more than 10 ms of CPU", (row) =>
    atMost(longestTurnMs(row), 10, "ms"),
  ),
  ...churns.map((churn) =>
    ofMostBackends(`p99 of calls while ${churnWords[churn]} at most 1.3 × that of calm`, (row) =>
      atMost(row[`${churn}P99OfCalm`], 1.3, "×"),
    ),
  ),
];

export const manyTargets: readonly Budget[] = [
  // Once a second is not less than once a second.
  ofTargets(50, "the process wakes less than once a second", "wakeUpsPerSecond", 1 - Number.EPSILON, "a second"),
  ofTargets(500, "at most a thousandth of a core", "cpuMsPerSecond", 1, "ms of CPU a second"),
];

const builds = ["import", "require"] as const;

export const loading: readonly Budget[] = [
  ...builds.map(
    (build): Budget => ({
      subject: `${build} of glink`,
      wanted: "at most 15 ms above Connect's own, of time and of CPU",
      judge: ({ loading: found }) => {
        if (found === undefined) return undefined;
        const { wallMs, cpuMs } = found.steps[build].glink;
        return {
          measured: `${digits(wallMs.median)} ms, ${digits(cpuMs.median)} ms of CPU`,
          met: Math.max(wallMs.median, cpuMs.median) <= 15,
        };
      },
    }),
  ),
  {
    subject: "import of glink",
    wanted: "at most 250 kB of text at once",
    judge: ({ loading: found }) => atMost(found && found.bytesAtOnce / 1_000, 250, "kB"),
  },
];
