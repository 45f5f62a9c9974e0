import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

/** The members of the union FailureKind, from the source. */
function failureKinds(): string[] {
  const union = /export type FailureKind =([^;]+);/.exec(readFileSync("src/base/errors.ts", "utf8"))?.[1] ?? "";
  return Array.from(union.matchAll(/"([a-z-]+)"/g), ([, kind = ""]) => kind);
}

test("every kind of failure has one row in docs/errors.md, and no row is without its kind", () => {
  const rows = Array.from(readFileSync("docs/errors.md", "utf8").matchAll(/^\| `([a-z-]+)` \|/gm), ([, kind]) => kind);
  assert.ok(rows.length > 15);
  assert.deepEqual(rows, failureKinds());
});
