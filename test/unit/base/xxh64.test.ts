import assert from "node:assert/strict";
import { test } from "node:test";
import { Xxh64 } from "../../../src/base/xxh64.ts";

const hash = new Xxh64();

function hex(text: string, seed = 0n): string {
  hash.hash(text, Number(seed >> 32n), Number(seed & 0xffffffffn));
  return [hash.hi, hash.lo].map((half) => (half >>> 0).toString(16).padStart(8, "0")).join("");
}

test("texts of each length class have the hashes of the reference", () => {
  assert.equal(hex(""), "ef46db3751d8e999");
  assert.equal(hex("a"), "d24ec4f1a98c6e5b");
  assert.equal(hex("abc"), "44bc2cf5ad770999");
});

test("hashes are those of arithmetic in 64 bits, with and without a seed, above and below a stripe", () => {
  for (const length of [...Array(40).keys(), 63, 64, 65, 100, 257, 1_000]) {
    const text = Array.from({ length }, (_, i) => String.fromCharCode(33 + ((i * 31 + length) % 90))).join("");
    for (const seed of [0n, 0x9e3779b97f4a7c15n, 2n ** 64n - 1n]) {
      assert.equal(hex(text, seed), expected(new TextEncoder().encode(text), seed), `${length} bytes, seed ${seed}`);
    }
  }
  for (const text of ["é", "日本語のキー", `${"x".repeat(300)}ü`]) {
    assert.equal(hex(text), expected(new TextEncoder().encode(text), 0n), text);
  }
});

/** XXH64 with BigInt, step by step as its specification has it. */
function expected(bytes: Uint8Array, seed: bigint): string {
  const [p1, p2, p3, p4, p5] = [
    0x9e3779b185ebca87n,
    0xc2b2ae3d27d4eb4fn,
    0x165667b19e3779f9n,
    0x85ebca77c2b2ae63n,
    0x27d4eb2f165667c5n,
  ] as const;
  const cut = (value: bigint) => BigInt.asUintN(64, value);
  const turn = (value: bigint, bits: bigint) => cut((value << bits) | (value >> (64n - bits)));
  const round = (lane: bigint, word: bigint) => cut(turn(cut(lane + word * p2), 31n) * p1);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  let result = cut(seed + p5);
  if (bytes.length >= 32) {
    const lanes = [seed + p1 + p2, seed + p2, seed, seed - p1].map(cut);
    for (; at + 32 <= bytes.length; at += 32) {
      for (const [i, lane] of lanes.entries()) lanes[i] = round(lane, view.getBigUint64(at + 8 * i, true));
    }
    result = cut(lanes.reduce((sum, lane, i) => sum + turn(lane, [1n, 7n, 12n, 18n][i] as bigint), 0n));
    for (const lane of lanes) result = cut((result ^ round(0n, lane)) * p1 + p4);
  }
  result = cut(result + BigInt(bytes.length));
  for (; at + 8 <= bytes.length; at += 8) {
    result = cut(turn(result ^ round(0n, view.getBigUint64(at, true)), 27n) * p1 + p4);
  }
  if (at + 4 <= bytes.length) {
    result = cut(turn(result ^ cut(BigInt(view.getUint32(at, true)) * p1), 23n) * p2 + p3);
    at += 4;
  }
  for (; at < bytes.length; at++) result = cut(turn(result ^ cut(BigInt(view.getUint8(at)) * p5), 11n) * p1);
  result = cut((result ^ (result >> 33n)) * p2);
  result = cut((result ^ (result >> 29n)) * p3);
  return (result ^ (result >> 32n)).toString(16).padStart(16, "0");
}
