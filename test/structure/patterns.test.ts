// What peers, registries and callers say is looked at by patterns. One whose steps grow faster than the text stops the process:
// 64 KB are no more than a header may have.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type typescript from "typescript";
import { type Pattern, parsePattern, partsOf, stepsFor } from "./pattern.ts";
import { root } from "./source-tree.ts";
import { ts } from "./typescript.ts";

/** Every character that some pattern may tell from others: those of Unicode's first blocks, and half of a pair. */
const characters = [
  ...Array.from({ length: 0x250 }, (_, code) => String.fromCharCode(code)),
  "\u2028",
  "\u202e",
  "\ud800",
];

/** What a pattern may stand behind: most files have none, and need not be parsed. */
const mayHavePatterns = /(?:[=(,:!&|?[{}>]|return)\s*\/(?![/*])|RegExp\(/;

/** By the text as it stands in the source, with the first file that has it. */
function patternsOf(...folders: string[]): Map<string, string> {
  const found = new Map<string, string>();
  const files = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).map((name) => join(folder, name)),
  );
  for (const path of files.filter((name) => name.endsWith(".ts"))) {
    const text = readFileSync(join(root, path), "utf8");
    if (!mayHavePatterns.test(text)) continue;
    const tree = ts.createSourceFile(path, text, ts.ScriptTarget.Latest);
    const visit = (node: typescript.Node): void => {
      if (ts.isRegularExpressionLiteral(node) && !found.has(node.text)) found.set(node.text, path);
      if (ts.isNewExpression(node) && node.expression.getText(tree) === "RegExp") found.set(node.getText(tree), path);
      ts.forEachChild(node, visit);
    };
    visit(tree);
  }
  return found;
}

function parse(literal: string): Pattern {
  const [, source, flags] = /^\/(.*)\/([a-z]*)$/s.exec(literal) ?? assert.fail(`${literal} is made of parts`);
  return parsePattern(source as string, flags as string);
}

/** One character for each way in which the sets of the pattern can tell characters apart. */
function alphabetOf(pattern: Pattern): readonly string[] {
  const sets = partsOf(pattern).filter((part) => part.kind === "set");
  const bySets = new Map<string, string>();
  for (const one of characters) {
    const key = sets.map(({ has }) => (has(one) ? 1 : 0)).join("");
    if (!bySets.has(key)) bySets.set(key, one);
  }
  return [...bySets.values()];
}

/** The shortest text that leads through the pattern to each of its repetitions, and what leads through all of it. */
function waysInto(pattern: Pattern, before: string, into: Set<string>): string {
  switch (pattern.kind) {
    case "set":
      return before + characters.find(pattern.has);
    case "sequence":
      return pattern.parts.reduce((way, part) => waysInto(part, way, into), before);
    case "choice":
      return pattern.options.map((option) => waysInto(option, before, into))[0] as string;
    case "repeat": {
      into.add(before);
      let way = before;
      for (let i = 0; i < Math.max(1, pattern.least); i++) way = waysInto(pattern.part, way, into);
      return pattern.least === 0 ? before : way;
    }
    case "look":
      waysInto(pattern.part, before, into);
      return before;
    case "place":
      return before;
  }
}

/** A text that begins somehow, says one word again and again, and ends somehow. */
interface Attack {
  readonly way: string;
  readonly word: string;
  readonly end: string;
}

/** Says what the pattern repeats, after what leads there or after anything else, and ends as the pattern does not. */
function* attacksOn(pattern: Pattern): Generator<Attack> {
  const parts = partsOf(pattern);
  const repeated = parts.filter((part) => part.kind === "repeat").flatMap((part) => partsOf(part));
  const isIn = (all: readonly Pattern[], one: string) => all.some((part) => part.kind === "set" && part.has(one));
  const alphabet = alphabetOf(pattern);
  const strange = alphabet.find((one) => !isIn(parts, one)) ?? "\0";
  const ways = new Set(["", strange]);
  const whole = waysInto(pattern, "", ways);
  const ofRepeats = alphabet.filter((one) => isIn(repeated, one));
  const pairs = ofRepeats.length > 8 ? [] : ofRepeats.flatMap((one) => ofRepeats.map((other) => one + other));
  for (const word of [...ofRepeats, ...pairs, ...(whole === "" ? [] : [whole])]) {
    for (const way of ways) for (const end of new Set(["", strange, "\n"])) yield { way, word, end };
  }
}

/** Then it is slow, without a second look. */
const mostSteps = 50_000;

/** An attack of twice the length that takes more than thrice the steps. */
function worstFor(pattern: Pattern): string | undefined {
  const isEndless = (part: Pattern) => part.kind === "repeat" && part.most === Number.POSITIVE_INFINITY;
  if (!partsOf(pattern).some(isEndless)) return undefined;
  for (const { way, word, end } of attacksOn(pattern)) {
    const attack = (chars: number) => way + word.repeat(chars / word.length) + end;
    const steps = (chars: number) => stepsFor(pattern, attack(chars), mostSteps);
    const long = steps(200);
    if (long > mostSteps || (long > 2_000 && long > 3 * steps(100))) return attack(200);
  }
  return undefined;
}

test("the steps of every pattern grow with the text, and no faster", () => {
  const patterns = patternsOf("src", "demo");
  assert.ok(patterns.size > 80);
  const slow = Array.from(patterns, ([literal, path]) => {
    const attack = worstFor(parse(literal));
    return attack === undefined ? [] : [`${path}: ${literal} for ${JSON.stringify(attack.slice(0, 40))}…`];
  });
  assert.deepEqual(slow.flat(), []);
});

test("patterns that are known to be slow are found", () => {
  for (const literal of [
    "/^(a+)+$/",
    "/\\s+$/",
    "/^(?:a|a)*$/",
    "/^.*x.*y$/",
    "/(.*)=(.*);/",
    "/^[a-z]+[a-z0-9]+$/",
    "/a+(?=b)/",
    "/^ +| +$/g",
  ]) {
    assert.notEqual(worstFor(parse(literal)), undefined, literal);
  }
});
