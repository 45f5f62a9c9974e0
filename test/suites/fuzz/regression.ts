import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { FuzzCase } from "./fuzz-case.ts";
import { classOf } from "./outcome.ts";
import type { Play } from "./play.ts";

/** A case that once failed, and what must come of it now. */
export interface Regression extends FuzzCase {
  /** What was wrong, as a sentence. */
  readonly symptom: string;
  /** By engine: the class of each call, and whether the connection is over then. */
  readonly expected: Readonly<Record<string, Standing>>;
}

/** How an engine stands when everything was sent. */
export interface Standing {
  readonly calls: readonly string[];
  readonly isOver: boolean;
}

const folder = join(import.meta.dirname, "regressions");

function standingOf({ calls, isOver }: Play): Standing {
  return { calls: calls.map(classOf), isOver };
}

/** By engine. */
export function standingsOf(plays: readonly Play[]): Record<string, Standing> {
  return Object.fromEntries(plays.map((play) => [play.engine, standingOf(play)]));
}

/** All regression files, by name. */
export function readRegressions(): { readonly name: string; readonly regression: Regression }[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .sort()
    .map((name) => ({ name, regression: JSON.parse(readFileSync(join(folder, name), "utf8")) as Regression }));
}

/** Writes what was found where a person looks it over: into `directory`, not among the regressions. */
export function writeFound(
  directory: string,
  symptom: string,
  fuzzCase: FuzzCase,
  expected: Regression["expected"],
): string {
  mkdirSync(directory, { recursive: true });
  const words = symptom.toLowerCase().match(/[a-z0-9]+/g) ?? [];
  const path = join(directory, `${words.slice(0, 12).join("-")}-${fuzzCase.seed}.json`);
  writeFileSync(path, `${JSON.stringify({ symptom, ...fuzzCase, expected }, null, 2)}\n`);
  return path;
}
