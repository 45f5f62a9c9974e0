import assert from "node:assert/strict";
import { test } from "node:test";
import { filled } from "../../../../bench/report/documents.ts";

const document = "before\n<!-- bench: a -->\nold\n<!-- /bench -->\n\n<!-- bench: b -->\n<!-- /bench -->\nafter\n";

test("what stands at a mark is replaced, and nothing else", () => {
  assert.equal(
    filled(document, "a", "new $1"),
    "before\n<!-- bench: a -->\n\nnew $1\n\n<!-- /bench -->\n\n<!-- bench: b -->\n<!-- /bench -->\nafter\n",
  );
});

test("what was written once is written again to the same text", () => {
  const once = filled(document, "b", "| a |\n|---|");
  assert.equal(filled(once, "b", "| a |\n|---|"), once);
});

test("a document without the mark is an error", () => {
  assert.throws(() => filled(document, "c", "new"), /a document lacks <!-- bench: c -->/);
});
