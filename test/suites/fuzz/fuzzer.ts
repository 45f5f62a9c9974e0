import type { Engine } from "../../unit/http2/wire/engine.ts";
import { Arena } from "./arena.ts";
import { caseSeed } from "./chance.ts";
import type { FuzzCase } from "./fuzz-case.ts";
import { generateCase } from "./generator.ts";
import { type Finding, judge, type Verdict } from "./judge.ts";
import { minimise } from "./minimise.ts";
import { type Play, play } from "./play.ts";
import type { RecordedSession } from "./recorded-sessions.ts";
import { type Standing, standingsOf } from "./regression.ts";

/** A case that shows a finding, made small. */
export interface FoundCase {
  readonly finding: Finding;
  /** As it was generated. */
  readonly original: FuzzCase;
  readonly fuzzCase: FuzzCase;
  /** How the engines stand after it, by name. */
  readonly standings: Readonly<Record<string, Standing>>;
}

export interface RunResult {
  readonly cases: number;
  readonly found: readonly FoundCase[];
  /** Findings that did not come again when their case was played alone: seeds by signature. */
  readonly unstable: ReadonlyMap<string, readonly number[]>;
  /** How often which difference was tolerated. */
  readonly tolerated: ReadonlyMap<string, number>;
}

export interface RunOptions {
  readonly engines: readonly Engine[];
  readonly seed: number;
  /** Index of the first case. */
  readonly from: number;
  /** Asked before each case, with the number of those begun. */
  readonly goesOn: (begun: number) => boolean;
  readonly recorded?: readonly RecordedSession[];
}

/** Cases at a time: each waits for turns of the event loop more than it works. */
const lanes = 16;

/** Plays one case on each engine, and judges. */
export async function examine(
  arena: Arena,
  engines: readonly Engine[],
  fuzzCase: FuzzCase,
): Promise<Verdict & { readonly plays: readonly Play[] }> {
  const plays = await Promise.all(engines.map((engine) => play(arena, engine, fuzzCase)));
  return { ...judge(fuzzCase, plays), plays };
}

/** How long the suspects of a run are played again, all in all. */
export const confirmMaxMs = 6_000;

/** Plays the cases of a seed, as long as `goesOn`. One finding of a kind is minimised and returned. */
export async function fuzz({ engines, seed, goesOn, from, recorded = [] }: RunOptions): Promise<RunResult> {
  const arena = await Arena.start();
  const stray = new StrayErrors();
  const suspects = new Map<string, FuzzCase[]>();
  const tolerated = new Map<string, number>();
  let cases = 0;
  try {
    const lane = async () => {
      while (goesOn(cases)) {
        const fuzzCase = generateCase(caseSeed(seed, from + cases++), recorded);
        const verdict = await examine(arena, engines, fuzzCase);
        for (const name of new Set(verdict.tolerated.map(({ name }) => name)))
          tolerated.set(name, (tolerated.get(name) ?? 0) + 1);
        for (const { signature } of [...verdict.findings, ...stray.take()]) {
          const list = suspects.get(signature) ?? [];
          list.push(fuzzCase);
          suspects.set(signature, list);
        }
      }
    };
    await Promise.all(Array.from({ length: lanes }, lane));
    const found: FoundCase[] = [];
    const unstable = new Map<string, number[]>();
    const endMs = performance.now() + confirmMaxMs;
    let left = suspects.size;
    for (const [signature, list] of suspects) {
      const shareMs = (endMs - performance.now()) / left--;
      const one = await confirm(arena, engines, stray, signature, list, performance.now() + shareMs);
      if (one === undefined)
        unstable.set(
          signature,
          list.map((fuzzCase) => fuzzCase.seed),
        );
      else found.push(one);
    }
    return { cases, found, unstable, tolerated };
  } finally {
    stray.stop();
    await arena.close();
  }
}

/** How many cases of one signature are tried again before it counts as unstable: time permitting, the first in any case. */
const retriedCases = 5;

async function confirm(
  arena: Arena,
  engines: readonly Engine[],
  stray: StrayErrors,
  signature: string,
  suspects: readonly FuzzCase[],
  endMs: number,
): Promise<FoundCase | undefined> {
  for (const [i, original] of suspects.slice(0, retriedCases).entries()) {
    if (i > 0 && performance.now() > endMs) break;
    let found: FoundCase | undefined;
    const stillFails = async (fuzzCase: FuzzCase) => {
      const { findings, plays } = await examine(arena, engines, fuzzCase);
      const finding = [...findings, ...stray.take()].find((one) => one.signature === signature);
      if (finding !== undefined) found = { finding, original, fuzzCase, standings: standingsOf(plays) };
      return finding !== undefined;
    };
    if (await stillFails(original)) await minimise(original, stillFails, endMs);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Uncaught exceptions and unhandled rejections while it watches: what no engine may cause. */
class StrayErrors {
  #findings: Finding[] = [];
  readonly #onError = (error: unknown) => {
    const text = `uncaught: ${error instanceof Error ? error.message : String(error)}`;
    this.#findings.push({ text, signature: text });
  };

  constructor() {
    process.on("uncaughtException", this.#onError);
    process.on("unhandledRejection", this.#onError);
  }

  /** Those since the last time. */
  take(): Finding[] {
    return this.#findings.splice(0);
  }

  stop(): void {
    process.removeListener("uncaughtException", this.#onError);
    process.removeListener("unhandledRejection", this.#onError);
  }
}
