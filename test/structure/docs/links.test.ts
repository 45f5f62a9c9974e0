import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "../source-tree.ts";
import { documents } from "./documents.ts";

interface Link {
  readonly document: string;
  /** Path from the root of what it leads to. */
  readonly path: string;
  /** The heading there, without #. */
  readonly anchor: string | undefined;
}

function linksOf(document: string): Link[] {
  const text = readFileSync(join(root, document), "utf8").replaceAll(/^```.*?^```/gms, "");
  return Array.from(text.matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g), ([, path = "", anchor]) => ({
    document,
    path: path === "" ? document : join(document, "..", path),
    anchor,
  }));
}

/** The anchors of a document's headings, as GitHub makes them. */
function anchorsOf(path: string): Set<string> {
  const headings = readFileSync(join(root, path), "utf8").matchAll(/^#+ (.*)$/gm);
  return new Set(
    Array.from(headings, ([, heading = ""]) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
        .trim()
        .replaceAll(" ", "-"),
    ),
  );
}

const links = documents.flatMap(linksOf);

test("links between the documents lead somewhere", () => {
  assert.ok(links.length > 100);
  const broken = links.filter(({ path }) => !existsSync(join(root, path)));
  assert.deepEqual(broken, []);
});

test("links to a heading lead to one", () => {
  const toHeadings = links.filter(({ path, anchor }) => anchor !== undefined && path.endsWith(".md"));
  assert.ok(toHeadings.length > 5);
  const broken = toHeadings.filter(({ path, anchor = "" }) => !anchorsOf(path).has(anchor));
  assert.deepEqual(broken, []);
});
