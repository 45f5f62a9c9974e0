import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { wrongRows } from "../../support/named-tests.ts";
import { root } from "../source-tree.ts";

const page = readFileSync(join(root, "docs/choosing-rules.md"), "utf8");

/** The lines of the tables: an id, a rule, and the tests, one to a line of the cell. */
const lines = page.match(/^\|(?! \| rule|---).*$/gm) ?? [];

test("every rule of docs/choosing-rules.md has an id of its own, and tests that exist under those names", () => {
  const rows = lines.map((line) => {
    const [, id = line, cell = ""] = /^\| ([A-Z]\d\d) \|.*\| (.+) \|$/.exec(line) ?? [];
    const tests = cell.split("<br>").map((one) => one.replace(/^`(.+?)`/, "$1").replaceAll("\\|", "|"));
    return { id, tests };
  });
  assert.ok(rows.length > 0);
  assert.deepEqual(wrongRows(rows), []);
});
