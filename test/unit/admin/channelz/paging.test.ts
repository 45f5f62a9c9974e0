import assert from "node:assert/strict";
import { test } from "node:test";
import { pageOf } from "../../../../src/admin/channelz/paging.ts";

const all = [5, 3, 9, 7].map((id) => ({ id }));
const ids = (startId: bigint, maxResults: bigint) => {
  const { items, end } = pageOf(all, { startId, maxResults });
  return { ids: items.map(({ id }) => id), end };
};

test("pages follow the ids, and the last one says so", () => {
  assert.deepEqual(ids(0n, 2n), { ids: [3, 5], end: false });
  assert.deepEqual(ids(6n, 2n), { ids: [7, 9], end: true });
  assert.deepEqual(ids(0n, 4n), { ids: [3, 5, 7, 9], end: true });
});

test("a page without items is the last one", () => {
  assert.deepEqual(ids(10n, 1n), { ids: [], end: true });
});

test("0 results is as many as the server likes: a hundred", () => {
  const many = Array.from({ length: 101 }, (_, i) => ({ id: i + 1 }));
  const { items, end } = pageOf(many, { startId: 0n, maxResults: 0n });
  assert.deepEqual([items.length, end], [100, false]);
});

test("a number of results below 0 is an invalid argument", () => {
  assert.throws(() => ids(0n, -1n), /\[invalid_argument\] max_results must be 0 or more, not -1/);
});
