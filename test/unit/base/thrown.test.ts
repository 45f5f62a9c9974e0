import assert from "node:assert/strict";
import { test } from "node:test";
import { causeFactOf } from "../../../src/base/thrown.ts";

test("what is published of a cause is what it says, with visible escapes in all of its texts", () => {
  const error = Object.assign(new Error("a\nb"), { name: "\x1b[2J", code: "E\u202e" });
  assert.deepEqual(causeFactOf(error), { name: "\\x1b[2J", message: "a\\nb", code: "E\\u202e" });
  assert.deepEqual(causeFactOf(Object.assign(new Error("a"), { code: 7 })), { name: "Error", message: "a", code: 7 });
  assert.deepEqual(causeFactOf("\r"), { name: "string", message: "\\r" });
});
