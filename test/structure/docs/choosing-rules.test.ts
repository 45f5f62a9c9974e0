import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type TestedRow, wrongRows } from "../../support/named-tests.ts";
import { root } from "../source-tree.ts";

const page = readFileSync(join(root, "docs/choosing-rules.md"), "utf8");

const rows: readonly TestedRow[] = Array.from(
  page.matchAll(/^\| ([A-Z]\d\d) \|.*\| (.*) \|$/gm),
  ([, id = "", cell = ""]) => ({
    id,
    tests: cell.split("<br>").map((one) => one.replace(/^`(.+?)`/, "$1").replaceAll("\\|", "|")),
  }),
);

test("every rule of docs/choosing-rules.md has tests that exist under those names", () => {
  assert.deepEqual(wrongRows(rows), []);
});

test("every line of its tables is such a rule", () => {
  const lines = page.match(/^\|(?! \| rule|---).*$/gm) ?? [];
  assert.ok(lines.length > 0);
  assert.equal(rows.length, lines.length);
});
