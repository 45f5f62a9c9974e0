import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { version } from "../../../src/base/version.ts";

test("the version in the user agent is the package's", () => {
  assert.equal(version, JSON.parse(readFileSync("package.json", "utf8")).version);
});
