import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { keepPiece } from "../../../src/http2/pieces.ts";

test("data cut into the smallest pieces is kept in few of them", () => {
  const pieces: Uint8Array[] = [];
  for (let i = 0; i < 200_000; i++) keepPiece(pieces, Uint8Array.of(i, i >> 8, i >> 16, 0, 0));
  // A megabyte: 64 KB in the first, then at least 320 bytes in each.
  assert.ok(pieces.length < 3_300, `${pieces.length} pieces`);
  const joined = Buffer.concat(pieces);
  assert.equal(joined.length, 1_000_000);
  for (let i = 0; i < 200_000; i++) assert.equal(joined.readUIntLE(i * 5, 3), i);
});

test("large pieces stay where they lie", () => {
  const large = Array.from({ length: 200 }, (_, i) => new Uint8Array(2_000).fill(i));
  const pieces: Uint8Array[] = [];
  for (const piece of large) keepPiece(pieces, piece);
  assert.ok(pieces.every((piece, i) => piece === large[i]));
});

test("however data is cut, it stays the same", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 20 }), { minLength: 100, maxLength: 400 }), (cut) => {
      const pieces: Uint8Array[] = [];
      for (const piece of cut) keepPiece(pieces, piece);
      assert.deepEqual(Buffer.concat(pieces), Buffer.concat(cut));
    }),
    { seed: 7541, numRuns: 50 },
  );
});
