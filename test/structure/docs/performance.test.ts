import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { documentsOf } from "../../../bench/report/documents.ts";
import { readResult } from "../../../bench/report/result.ts";
import { root } from "../source-tree.ts";

describe("what documents say a call costs is what bench/results/latest.json has: npm run bench:picture writes it", () => {
  for (const [path, text] of documentsOf(readResult(join(root, "bench/results/latest.json")))) {
    test(path, () => assert.equal(readFileSync(join(root, path), "utf8"), text));
  }
});
