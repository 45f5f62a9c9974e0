import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "../source-tree.ts";

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
