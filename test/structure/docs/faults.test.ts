import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { scenarios } from "../../suites/faults/scenarios.ts";
import { faultRows, faultsPage } from "../../suites/faults/table.ts";
import { wrongRows } from "../../support/named-tests.ts";
import { root } from "../source-tree.ts";

test("every row of docs/faults.md has a test that exists under that name, or a suite that is run, or says why there is none", () => {
  assert.deepEqual(wrongRows(faultRows), []);
});

test("every scenario is of a row of docs/faults.md", () => {
  const ids = faultRows.map(({ id }) => id);
  assert.deepEqual(
    scenarios.map(({ id }) => id).filter((id) => !ids.includes(id)),
    [],
  );
});

test("docs/faults.md is what npm run faults -- --table writes", () => {
  assert.equal(readFileSync(join(root, "docs/faults.md"), "utf8"), faultsPage());
});
