import type { GlinkSnapshot } from "../../index.ts";

/** Counts of one backend, as they grow. */
export interface BackendCounts {
  readonly started: number;
  readonly failed: number;
}

/** What is remembered of a snapshot: counts, whose differences are rates and shares. */
export interface Sample {
  readonly atMs: number;
  readonly started: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly attempts: number;
  readonly attemptsFailed: number;
  readonly retries: number;
  /** By address. */
  readonly backends: ReadonlyMap<string, BackendCounts>;
}

/** How far back shares are drawn. */
export const windowMs: number = 5 * 60_000;

/** Samples are at least so far apart: a little less than the usual interval of updates, which is not kept to the millisecond. */
const apartMs = 1_500;

/** Counts of backends that all samples together may hold: a pool of ten thousand is remembered for ten samples. */
const maxCounts = 100_000;

/** Above this many backends a snapshot takes so long that only readers have one taken. */
const cheapBackends = 1_000;

/** The counts of the last minutes, of one transport. */
export class Samples {
  readonly #samples: Sample[] = [];
  #counts = 0;

  /** The eldest first. The first one may be older than the window: then there was none in between. */
  get all(): readonly Sample[] {
    return this.#samples;
  }

  /** Whether a sample is worth a snapshot of its own at `atMs`. */
  isDue(atMs: number): boolean {
    const last = this.#samples.at(-1);
    return last === undefined || (atMs - last.atMs >= apartMs && last.backends.size <= cheapBackends);
  }

  add(snapshot: GlinkSnapshot): void {
    const last = this.#samples.at(-1);
    // A wall clock that was set back: differences with what is in the future mean nothing.
    if (last !== undefined && snapshot.takenAtMs < last.atMs) this.clear();
    else if (last !== undefined && snapshot.takenAtMs - last.atMs < apartMs) return;
    const sample = sampleOf(snapshot);
    this.#samples.push(sample);
    this.#counts += sample.backends.size;
    while (this.#samples.length > 2 && (this.#isPast(sample.atMs) || this.#counts > maxCounts)) this.#dropEldest();
  }

  /** The youngest sample that is at least `ageMs` old at `atMs`, or the eldest one. */
  before(atMs: number, ageMs: number): Sample | undefined {
    return this.#samples.findLast((sample) => sample.atMs <= atMs - ageMs) ?? this.#samples[0];
  }

  clear(): void {
    this.#samples.length = 0;
    this.#counts = 0;
  }

  /** One sample from before the window stays: the first column of the drawing begins with it. */
  #isPast(nowMs: number): boolean {
    return (this.#samples[1] as Sample).atMs <= nowMs - windowMs;
  }

  #dropEldest(): void {
    this.#counts -= this.#samples.shift()?.backends.size ?? 0;
  }
}

export function sampleOf({ takenAtMs, calls, subchannels }: GlinkSnapshot): Sample {
  return {
    atMs: takenAtMs,
    started: calls.started,
    succeeded: calls.succeeded,
    failed: sum(Object.values(calls.failed)),
    attempts: calls.attempts,
    attemptsFailed: sum(Object.values(calls.attemptsFailed).flatMap((by) => Object.values(by))),
    retries: calls.retries + calls.transparentRetries,
    backends: new Map(
      subchannels.map(({ address, callsStarted, callsFailed }) => [
        address,
        { started: callsStarted, failed: callsFailed },
      ]),
    ),
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
