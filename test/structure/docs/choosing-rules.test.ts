import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "../source-tree.ts";

const page = readFileSync(join(root, "docs/choosing-rules.md"), "utf8");

/** The lines of the tables: an id, a rule, and tests as `path below test`: name, one to a line of the cell. */
const lines = page.match(/^\|(?! \| rule|---).*$/gm) ?? [];

test("every line of docs/choosing-rules.md has an id of its own, and tests that exist under those names", () => {
  const ids = new Set<string>();
  const wrong = lines.flatMap((line) => {
    const [, id, cell] = /^\| ([A-Z]\d\d) \|.*\| (.+) \|$/.exec(line) ?? [];
    if (id === undefined || cell === undefined || ids.has(id)) return [line];
    ids.add(id);
    return cell.split("<br>").filter((one) => !isThere(one));
  });
  assert.deepEqual(wrong, []);
  assert.ok(lines.length > 0);
});

function isThere(cell: string): boolean {
  const [, path = "", name = ""] = /^`(.+?)`: (.+)$/.exec(cell) ?? [];
  const file = join(root, "test", path);
  return name !== "" && existsSync(file) && readFileSync(file, "utf8").includes(name.replaceAll("\\|", "|"));
}
