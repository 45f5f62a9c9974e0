import type { GlinkSnapshot, SubchannelSnapshot } from "../../index.ts";
import type { CallDurations, Quantiles } from "../history/call-durations.ts";
import { type BackendCounts, type Sample, sampleOf } from "../history/samples.ts";
import type { Slots } from "../history/slots.ts";
import type { TargetHistory } from "../history/target-history.ts";

/** Rates are those of so long a time, where that much is remembered. */
const rateWindowMs = 10_000;

/** Counts per second. */
export interface Rates {
  readonly started: number | undefined;
  readonly failed: number | undefined;
}

/** One target at one moment, and what is remembered of it. */
export interface TargetReading {
  readonly snapshot: GlinkSnapshot;
  readonly history: TargetHistory;
  /** Colours of the backends in the drawing. */
  readonly slots: ReadonlyMap<string, number>;
  /** The counts that rates are differences from, and how old they are. */
  readonly since: Sample;
  readonly sinceMs: number;
  readonly now: Sample;
  /** How long its unary calls took; undefined where that is not known yet. */
  readonly durations: Quantiles | undefined;
}

export function readTarget(history: TargetHistory, slots: Slots, calls: CallDurations): TargetReading {
  const snapshot = history.snapshot();
  const now = sampleOf(snapshot);
  const since = history.samples.before(now.atMs, rateWindowMs) ?? now;
  const drawn = new Set(history.samples.all.flatMap(({ backends }) => [...backends.keys()]));
  const durations = calls.quantiles(snapshot.target);
  return { snapshot, history, slots: slots.assign(drawn), since, sinceMs: now.atMs - since.atMs, now, durations };
}

/** Of the target as a whole: calls as their callers see them. */
export function targetRates({ now, since, sinceMs }: TargetReading): Rates {
  return ratesOf(now, since, sinceMs);
}

/** Retries in the same time, each second. */
export function retryRate({ now, since, sinceMs }: TargetReading): number | undefined {
  return sinceMs <= 0 ? undefined : ((now.retries - since.retries) * 1_000) / sinceMs;
}

/** Of one backend: its attempts. */
export function backendRates({ now, since, sinceMs }: TargetReading, { address }: SubchannelSnapshot): Rates {
  const current = now.backends.get(address);
  return current === undefined ? noRates : ratesOf(current, since.backends.get(address), sinceMs);
}

/** Attempts that a backend got between two samples. One whose address came back begins at 0 again. */
export function attemptsBetween(before: Sample, after: Sample, address: string): number {
  const started = after.backends.get(address)?.started ?? 0;
  const earlier = before.backends.get(address)?.started ?? 0;
  return started >= earlier ? started - earlier : started;
}

const noRates: Rates = { started: undefined, failed: undefined };
const nothing: BackendCounts = { started: 0, failed: 0 };

function ratesOf(now: BackendCounts, before: BackendCounts | undefined, overMs: number): Rates {
  if (overMs <= 0) return noRates;
  const from = before === undefined || before.started > now.started ? nothing : before;
  const perSecond = (counted: number) => (counted * 1_000) / overMs;
  return { started: perSecond(now.started - from.started), failed: perSecond(now.failed - from.failed) };
}
