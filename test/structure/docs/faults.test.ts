import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { scenarios } from "../../suites/faults/scenarios.ts";
import { faultRows, faultsPage, splitTest } from "../../suites/faults/table.ts";
import { root } from "../source-tree.ts";

test("every row of docs/faults.md has a test that exists under that name, or a suite, or says why there is none", () => {
  const missing = faultRows.flatMap(({ id, tests, suites = [], reason }) => {
    if (tests.length + suites.length === 0)
      return reason === undefined ? [`${id} has neither test, suite nor reason`] : [];
    return tests.filter((one) => !isThere(splitTest(one))).map((one) => `${id}: ${one}`);
  });
  assert.deepEqual(missing, []);
});

test("the suites of docs/faults.md are commands that .ci/run has, or CONTRIBUTING.md", () => {
  const texts = [".ci/run", "CONTRIBUTING.md"].map((path) => readFileSync(join(root, path), "utf8"));
  const unknown = faultRows
    .flatMap(({ suites = [] }) => suites)
    .filter((one) => !texts.some((text) => text.includes(one)));
  assert.deepEqual(unknown, []);
});

test("docs/faults.md has each row once, and every scenario is of a row", () => {
  const ids = faultRows.map(({ id }) => id);
  assert.deepEqual([...new Set(ids)], ids);
  assert.deepEqual(
    scenarios.map(({ id }) => id).filter((id) => !ids.includes(id)),
    [],
  );
});

test("docs/faults.md is what npm run faults -- --table writes", () => {
  assert.equal(readFileSync(join(root, "docs/faults.md"), "utf8"), faultsPage());
});

/** As the test's source has it: names of several tests keep their placeholders. */
function isThere([path, name]: readonly [string, string]): boolean {
  const file = join(root, "test", path);
  return existsSync(file) && readFileSync(file, "utf8").includes(name);
}
