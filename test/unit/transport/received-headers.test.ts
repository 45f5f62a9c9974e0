import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { receivedHeaders } from "../../../src/transport/received-headers.ts";

const fields = [":status", "200", "x-one", "1", "x-two", "a", "x-two", "b", "set-cookie", "c=1", "set-cookie", "d=2"];
const entries = [
  ["set-cookie", "c=1"],
  ["set-cookie", "d=2"],
  ["x-one", "1"],
  ["x-two", "a, b"],
];

test("every way to look at received headers shows them", () => {
  const fresh = () => receivedHeaders(fields);
  assert.equal(fresh().get("X-Two"), "a, b");
  assert.ok(fresh().has("x-one"));
  assert.deepEqual([...fresh()], entries);
  assert.deepEqual([...fresh().entries()], entries);
  assert.deepEqual(
    [...fresh().keys()],
    entries.map(([name]) => name),
  );
  assert.deepEqual(
    [...fresh().values()],
    entries.map(([, value]) => value),
  );
  assert.deepEqual(fresh().getSetCookie(), ["c=1", "d=2"]);
  const seen: string[][] = [];
  fresh().forEach((value, name) => {
    seen.push([name, value]);
  });
  assert.deepEqual(seen, entries);
  assert.deepEqual([...new Headers(fresh())], entries);
  assert.match(inspect(fresh()), /x-one.*1/s);
  assert.ok(fresh() instanceof Headers);
});

test("every way to change received headers keeps what was received", () => {
  const headers = receivedHeaders(["x", "1", "y", "2"]);
  headers.append("x", "3");
  assert.equal(headers.get("x"), "1, 3");
  const replaced = receivedHeaders(["x", "1", "y", "2"]);
  replaced.set("x", "9");
  assert.deepEqual([...replaced], [["x", "9"], ["y", "2"]]); // biome-ignore format: pairs
  const shorter = receivedHeaders(["x", "1", "y", "2"]);
  shorter.delete("x");
  assert.deepEqual([...shorter], [["y", "2"]]);
});
