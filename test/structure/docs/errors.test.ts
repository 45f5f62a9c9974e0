import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const document = readFileSync("docs/errors.md", "utf8");

/** The members of the union FailureKind, from the source. */
function failureKinds(): string[] {
  const union = /export type FailureKind =([^;]+);/.exec(readFileSync("src/base/errors.ts", "utf8"))?.[1] ?? "";
  return Array.from(union.matchAll(/"([a-z-]+)"/g), ([, kind = ""]) => kind);
}

test("every kind of failure has one heading in docs/errors.md, and no heading of that depth is without its kind", () => {
  const headings = Array.from(document.matchAll(/^### (.*)$/gm), ([, heading]) => heading);
  assert.ok(headings.length > 15);
  assert.deepEqual(headings, failureKinds());
});

test("the anchor of a kind is its own: no other heading has the same", () => {
  const anchors = Array.from(document.matchAll(/^#+ (.*)$/gm), ([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\s-]/g, "")
      .replaceAll(" ", "-"),
  );
  assert.equal(new Set(anchors).size, anchors.length);
});

test("the list of kinds leads to each of them", () => {
  const list = document.slice(document.indexOf("## Kinds"), document.indexOf("\n### "));
  const links = Array.from(list.matchAll(/\[([a-z-]+)\]\(#\1\)/g), ([, kind]) => kind);
  assert.deepEqual(links, failureKinds());
});

test("every paragraph says code, progress and how the message begins, and then what to do", () => {
  for (const paragraph of document.split(/^### /m).slice(1)) {
    assert.match(paragraph, /^[a-z-]+\n\n\*\*.+\*\*, (unsent|refused|unknown)[\s\S]*: [\s\S]+?\n\n\S/);
  }
});
