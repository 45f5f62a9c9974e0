import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "../source-tree.ts";

/** The cells of the tables of a document, by the first cell of their row. */
function rowsOf(document: string): Map<string, string[]> {
  const lines = readFileSync(join(root, document), "utf8").matchAll(/^\|(.*)\|$/gm);
  return new Map(
    Array.from(lines, ([, line = ""]) => line.split("|").map((cell) => cell.trim())).map(([first = "", ...cells]) => [
      first,
      cells,
    ]),
  );
}

/** README's words for loads of the benchmark. */
const loads: Readonly<Record<string, string>> = {
  "unary, small": "unary-c32",
  "unary, small, TLS": "unary-tls",
  "unary, 64 KiB": "unary-64KiB",
  "server stream, 100 messages": "server-stream-100",
  "unary over a pool of 1 000": "unary-pool-1000",
};

test("what README says a call costs is what docs/performance.md says", () => {
  const short = rowsOf("README.md");
  const full = rowsOf("docs/performance.md");
  const columnsOf = (rows: Map<string, string[]>) => rows.get("load") ?? [];
  for (const [words, load] of Object.entries(loads)) {
    const said = Object.fromEntries(columnsOf(short).map((column, index) => [column, short.get(words)?.[index]]));
    const measured = Object.fromEntries(columnsOf(full).map((column, index) => [column, full.get(load)?.[index]]));
    assert.deepEqual(said, Object.fromEntries(Object.keys(said).map((column) => [column, measured[column]])), words);
  }
});

test("README fits two hundred lines: the rest is in docs/", () => {
  assert.ok(readFileSync(join(root, "README.md"), "utf8").split("\n").length <= 201);
});

test("every guide is one or two links away from README", () => {
  const linksOf = (document: string) => {
    const links = readFileSync(join(root, document), "utf8").matchAll(/\]\(([^)#]+\.md)/g);
    return Array.from(links, ([, link = ""]) => join(document, "..", link)).filter((path) => path.startsWith("docs/"));
  };
  const near = linksOf("README.md");
  const reached = new Set([...near, ...near.flatMap(linksOf)]);
  const guides = readdirSync(join(root, "docs")).filter((name) => name.endsWith(".md"));
  assert.deepEqual(
    guides.filter((name) => !reached.has(`docs/${name}`)),
    [],
  );
});
