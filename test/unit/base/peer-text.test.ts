import assert from "node:assert/strict";
import { test } from "node:test";
import { peerText } from "../../../src/base/peer-text.ts";

test("what forges a line, reaches the terminal or turns the text around is shown as an escape", () => {
  const hostile = "200\nERROR forged\r\t\x1b[31m\x9b2J\x7f\0 \u2028\u202eabc\u2066\ufeff\ud800";
  const shown = "200\\nERROR forged\\r\\t\\x1b[31m\\x9b2J\\x7f\\x00 \\u2028\\u202eabc\\u2066\\ufeff\\ud800";
  assert.equal(peerText(hostile), shown);
});

test("text of any language stays as it is", () => {
  for (const text of ["too_many_pings", "Überlast: 過負荷 🙂", "DNS:a.test, DNS:b.test", "100 %s \\n"]) {
    assert.equal(peerText(text), text);
  }
});

test("text is cut at 200 characters", () => {
  assert.equal(peerText("x".repeat(200)), "x".repeat(200));
  assert.equal(peerText("x".repeat(1_000_000)), `${"x".repeat(200)}…`);
});
