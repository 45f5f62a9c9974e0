import assert from "node:assert/strict";
import { test } from "node:test";
import { checkForLeaks } from "../../support/leaks.ts";
import { readArguments } from "./arguments.ts";
import { runCampaign } from "./campaign.ts";
import { caseSeed } from "./chance.ts";
import { generateCase } from "./generator.ts";
import type { StretchResult } from "./stretch.ts";

checkForLeaks();

/** What the engines may differ in is known of this nghttp2; with another, the own engine is held to its own rules alone. */
const engine = process.versions.nghttp2?.startsWith("1.61.") ? "both" : "wire";

test(`150 random conversations bring no finding, engine ${engine}`, async () => {
  const results: StretchResult[] = [];
  await runCampaign({
    engine,
    seed: 7,
    seconds: 20,
    cases: 150,
    onResult: (result) => {
      results.push(result);
    },
    onAbort: () => undefined,
    onCrash: (_, why) => assert.fail(why),
  });
  assert.ok(results.some(({ cases }) => cases > 0));
  assert.deepEqual(
    results.flatMap(({ found }) => found.map(({ finding, original }) => `${finding.text} (--case ${original.seed})`)),
    [],
  );
});

test("a seed makes the same case every time, and another seed another", () => {
  const seed = caseSeed(1, 2);
  assert.deepEqual(generateCase(seed), generateCase(seed));
  assert.notDeepEqual(generateCase(seed), generateCase(caseSeed(1, 3)));
});

test("arguments that are wrong are named with their value and range", () => {
  assert.throws(() => readArguments(["--seconds", "0"]), /--seconds must be a whole number from 1 to 86400, not "0"/);
  assert.throws(() => readArguments(["--seconds", "soon"]), /--seconds.*"soon"/);
  assert.throws(() => readArguments(["--seed", "-1"]), /seed/);
  assert.throws(() => readArguments(["--seed", "4294967296"]), /--seed must be .* from 0 to 4294967295/);
  assert.throws(() => readArguments(["--cases", "0"]), /--cases must be a whole number from 1 to 4294967295, not "0"/);
  assert.throws(() => readArguments(["--engine", "node"]), /--engine must be "both" or "wire", not "node"/);
  assert.throws(() => readArguments(["--case", "x"]), /--case/);
  assert.throws(() => readArguments(["--minutes", "1"]), /minutes/);
  assert.equal(readArguments(["--seed", "5"]).seed, 5);
});
