import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Findings, Verdict } from "../budgets/budget.ts";
import type { Pace } from "../rounds.ts";
import type { Machine } from "./machine.ts";

/** Goes up whenever what a result says is said otherwise. */
const schema = 2;

/** All that a run found, for machines. */
export interface Result extends Findings {
  readonly machine: Machine;
  readonly pace: Pace;
  readonly budgets: readonly Verdict[];
}

/** Objects and lists are laid out down to this depth; below, each is one line: of figures a line for each client. */
const depthOfLines = 4;

const significantDigits = 5;

export function resultText(result: Result): string {
  return layOut(JSON.parse(JSON.stringify({ schema, ...result }, rounded)), 0);
}

function rounded(_: string, value: unknown): unknown {
  return typeof value === "number" ? Number(value.toPrecision(significantDigits)) : value;
}

function layOut(value: unknown, depth: number): string {
  if (typeof value !== "object" || value === null || depth === depthOfLines) return JSON.stringify(value);
  const isList = Array.isArray(value);
  const lines = Object.entries(value).map(([name, one]) => {
    const text = layOut(one, depth + 1);
    return `${"  ".repeat(depth + 1)}${isList ? text : `${JSON.stringify(name)}: ${text}`}`;
  });
  const [open, close] = isList ? "[]" : "{}";
  return lines.length === 0 ? `${open}${close}` : `${open}\n${lines.join(",\n")}\n${"  ".repeat(depth)}${close}`;
}

export function writeResult(path: string, result: Result): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${resultText(result)}\n`);
}

/** @throws an error that says what is wrong with a file of another schema. */
export function readResult(path: string): Result {
  const result = JSON.parse(readFileSync(path, "utf8")) as Result & { readonly schema: number };
  if (result.schema !== schema) {
    throw new Error(
      `${path} has schema ${result.schema}, not ${schema}: measure again with npm run bench -- --json ${path}`,
    );
  }
  return result;
}
