import assert from "node:assert/strict";
import { test } from "node:test";
import { SliceStore } from "../../../src/kubernetes/slice-store.ts";
import { readyEndpoint, slice } from "../../support/slices.ts";

const listOf = (...items: readonly object[]) => JSON.stringify({ metadata: { resourceVersion: "7" }, items });
const one = slice("a", [readyEndpoint("10.0.0.1")]);
const other = slice("b", [readyEndpoint("10.0.0.2")]);

test("a list takes the place of all slices, and those that are the same stay the same objects", () => {
  const store = new SliceStore("echo");
  assert.equal(store.replace(listOf(one, other)), "7");
  const [first] = store.all;
  store.replace(listOf(one));
  assert.deepEqual(store.all, [first]);
  assert.equal(store.all[0], first);
});

test("a list that holds a slice which cannot be read leaves the slices as they were", () => {
  const store = new SliceStore("echo");
  store.replace(listOf(one, other));
  const before = store.all;
  assert.throws(() => store.replace(listOf(other, { endpoints: [] }, one)), /an EndpointSlice without a name/);
  assert.deepEqual(store.all, before);
});
