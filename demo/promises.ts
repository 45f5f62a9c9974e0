import type { ResolverConfig } from "./messages.ts";
import type { CallStatistics } from "./statistics.ts";
import { arrivalLimitMs, catchUpMs, type Pace, type PastPhase } from "./timeline.ts";

/** A share may differ from an even one by this part of it. */
const shareTolerance = 0.2;

/**
 * From when on no call goes to a backend that stands still: the first call that misses its deadline of a second makes it
 * suspect, and a suspect is passed over until it answers. Half a second is for a busy machine.
 */
const frozenAvoidedAfterMs = 1_500;

/** A resolver that is told of changes knows a new backend at once; the rest is a dial, on a machine that may be busy. */
const toldWithinMs = 1_000;

/** The demo's load, and what depends on how glink finds backends. */
export interface Terms {
  readonly callsPerSecond: number;
  /** A new backend has calls after this at the latest. */
  readonly arrivalMs: number;
}

export function arrivalPromiseMs({ type }: ResolverConfig, pace: Pace): number {
  return type === "dns" ? arrivalLimitMs(pace) : toldWithinMs;
}

/** The most calls that may fail in a phase: none, but for those on a backend that stands still. */
export function failuresMax({ phase, backends }: PastPhase, { callsPerSecond }: Pick<Terms, "callsPerSecond">): number {
  if (phase.frozenMs === undefined) return 0;
  const share = callsPerSecond / backends.length;
  const failingMs = Math.min(phase.frozenMs + catchUpMs, frozenAvoidedAfterMs);
  return Math.ceil(share * (failingMs / 1_000) * (1 + shareTolerance));
}

/** What glink promised and did not keep. */
export function brokenPromises(past: readonly PastPhase[], glink: CallStatistics, terms: Terms): string[] {
  const broken: string[] = [];
  const check = (kept: boolean, promise: string, instead: string) => {
    if (!kept) broken.push(`${promise}: ${instead}`);
  };
  check(glink.calls > 0, "calls are made", "there were none");
  check(glink.crashes === 0, "no exception is uncaught", `${glink.crashes} were`);
  for (const phase of past) {
    const [failed, most] = [glink.failedIn(phase.period), failuresMax(phase, terms)];
    check(failed <= most, `"${phase.phase.title}": at most ${most} calls fail`, `${failed} did`);
  }
  const { arrivalMs: limitMs } = terms;
  // In the first phase all connections are still being made.
  for (const { phase, added, backends, settled } of past.slice(1)) {
    for (const { label, address, listedAtMs } of added) {
      const arrivalMs = glink.firstAnswerAfter(listedAtMs, address);
      check(
        arrivalMs !== undefined && arrivalMs <= limitMs,
        `"${phase.title}": a new backend gets calls within ${limitMs} ms`,
        `${label} got them after ${arrivalMs ?? "all"} ms`,
      );
    }
    for (const { label, address } of backends) {
      const share = glink.shareIn(settled, address);
      check(
        Math.abs(share * backends.length - 1) <= shareTolerance,
        `"${phase.title}": each of ${backends.length} backends has an even share in the end`,
        `${label} has ${Math.round(share * 100)} %`,
      );
    }
  }
  return broken;
}
