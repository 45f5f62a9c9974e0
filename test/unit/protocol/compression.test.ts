import assert from "node:assert/strict";
import { test } from "node:test";
import { brotliCompressSync, constants, gunzipSync, gzipSync } from "node:zlib";
import { Code } from "@connectrpc/connect";
import type { Compression } from "@connectrpc/connect/protocol";
import { compressionBrotli, compressionGzip } from "@connectrpc/connect-node";
import { inflate } from "../../../src/protocol/compression.ts";
import { connectError } from "../../behaviour/integration/calls-harness.ts";

const mebibyte = 2 ** 20;

/** A Compression that notes how far it may go, and returns so many bytes all the same. */
function careless(plainBytes: number) {
  const limits: (number | undefined)[] = [];
  const compression: Compression = {
    name: "own",
    compress: async (bytes) => bytes as Uint8Array<ArrayBuffer>,
    decompress: async (_, readMaxBytes) => {
      limits.push(readMaxBytes);
      return new Uint8Array(plainBytes);
    },
  };
  return { compression, limits };
}

test("without readMaxBytes a message inflates to 64 MiB, or to 1 100 times its compressed size where that is more", async () => {
  const { compression, limits } = careless(0);
  for (const length of [1, 809, 61_008, 61_009, 100_000]) await inflate(compression, new Uint8Array(length), undefined);
  assert.deepEqual(limits, [64 * mebibyte, 64 * mebibyte, 64 * mebibyte, 67_109_900, 110_000_000]);
});

test("readMaxBytes is the limit where it is given, however small or large", async () => {
  const { compression, limits } = careless(0);
  for (const limit of [1, 2 ** 32 - 1]) await inflate(compression, new Uint8Array(100), limit);
  assert.deepEqual(limits, [1, 2 ** 32 - 1]);
});

test("what a Compression returns beyond the limit that it did not know is refused all the same", async () => {
  const { compression } = careless(64 * mebibyte + 1);
  const refused = inflate(compression, new Uint8Array(10), undefined);
  const text = /a message of 10 compressed bytes inflates to more than 67108864: set readMaxBytes to allow it/;
  await assert.rejects(refused, connectError(Code.ResourceExhausted, text));
  const limited = inflate(careless(101).compression, new Uint8Array(10), 100);
  await assert.rejects(
    limited,
    connectError(Code.ResourceExhausted, /message size 101 is larger than configured readMaxBytes 100/),
  );
});

test("brotli of 100 bytes that would be 128 MiB is stopped at 64, and gzip at its best ratio is not", async () => {
  const params = { [constants.BROTLI_PARAM_QUALITY]: 9, [constants.BROTLI_PARAM_LGWIN]: 24 };
  const bomb = brotliCompressSync(Buffer.alloc(128 * mebibyte), { params });
  assert.ok(bomb.length * 1_100 < 64 * mebibyte, `${bomb.length} bytes`);
  const stopped = inflate(compressionBrotli, new Uint8Array(bomb), undefined);
  await assert.rejects(stopped, connectError(Code.ResourceExhausted, /set readMaxBytes/));
  const dense = gzipSync(Buffer.alloc(80 * mebibyte));
  assert.equal((await inflate(compressionGzip, new Uint8Array(dense), undefined)).length, 80 * mebibyte);
});

test("what was inflated has memory of its own, in a plain Uint8Array", async () => {
  const compressed = new Uint8Array(gzipSync("hello"));
  const sync = { name: "own", decompress: (bytes: Uint8Array) => gunzipSync(bytes) } as unknown as Compression;
  const pooled = { name: "own", decompress: async () => Buffer.from("hello") } as unknown as Compression;
  for (const compression of [compressionGzip, sync, pooled]) {
    const plain = await inflate(compression, compressed, undefined);
    assert.equal(Object.getPrototypeOf(plain), Uint8Array.prototype);
    assert.equal(Buffer.from(plain).toString(), "hello");
    assert.equal(plain.buffer.byteLength, 5);
  }
});

test("bytes that are no gzip are the peer's fault", async () => {
  for (const compression of [compressionGzip, compressionBrotli]) {
    await assert.rejects(inflate(compression, new Uint8Array(10), undefined), connectError(Code.Internal));
  }
});
