import assert from "node:assert/strict";
import { test } from "node:test";
import { brotliCompressSync, gunzipSync, gzipSync } from "node:zlib";
import { Code } from "@connectrpc/connect";
import type { Compression } from "@connectrpc/connect/protocol";
import { compressionBrotli, compressionGzip } from "@connectrpc/connect-node";
import { brotli, gzip } from "../../../src/protocol/builtin-compressions.ts";
import { CompressionPace } from "../../../src/protocol/compression-pace.ts";
import { CompressionWork } from "../../../src/protocol/compression-work.ts";
import { TurnShare } from "../../../src/protocol/turn-share.ts";
import { connectError } from "../../behaviour/integration/calls-harness.ts";
import { ManualClock } from "../../support/manual-clock.ts";

const work = () => new CompressionWork(new ManualClock());
const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Neither all alike nor without any order. */
function textOf(length: number): Buffer {
  const lines: string[] = [];
  for (let i = 0; i * 20 < length; i++) lines.push(`line ${i} of ${(i * 7_919) % 10_007}, `.padEnd(20));
  return Buffer.from(lines.join("").slice(0, length));
}

test("small and middle messages are compressed and inflated at once, large ones are not", async () => {
  for (const bytes of [0, 1, 1_024, 4_096, 16_384, 65_536]) {
    const compressed = work().compress(gzip, textOf(bytes));
    assert.ok(compressed instanceof Uint8Array, `${bytes} bytes`);
    assert.deepEqual(gunzipSync(compressed), textOf(bytes));
    for (const [compression, whole] of [
      [gzip, gzipSync(textOf(bytes))],
      [brotli, brotliCompressSync(textOf(bytes))],
    ] as const) {
      const plain = work().inflate(compression, whole, undefined);
      assert.ok(plain instanceof Uint8Array, `${compression.name} of ${bytes} bytes`);
      assert.deepEqual(Buffer.from(plain), textOf(bytes));
      assert.equal(Object.getPrototypeOf(plain), Uint8Array.prototype);
    }
  }
  const large = textOf(200_000);
  const compressed = work().compress(gzip, large);
  assert.ok(compressed instanceof Promise);
  assert.deepEqual(gunzipSync(await compressed), large);
  for (const [compression, whole] of [
    [gzip, gzipSync(large)],
    [brotli, brotliCompressSync(large)],
  ] as const) {
    const plain = work().inflate(compression, whole, undefined);
    assert.ok(plain instanceof Promise);
    assert.deepEqual(Buffer.from(await plain), large);
  }
  // What takes milliseconds, however small it is.
  assert.ok(work().compress(brotli, textOf(1_024)) instanceof Promise);
});

test("bytes that do not get shorter are compressed as well", () => {
  const noise = Buffer.from(Array.from({ length: 60_000 }, (_, i) => (Math.sin(i) * 1e9) & 255));
  for (const bytes of [1, 100, 4_096, 4_097, 60_000]) {
    const compressed = work().compress(gzip, noise.subarray(0, bytes));
    assert.ok(compressed instanceof Uint8Array);
    assert.deepEqual(gunzipSync(compressed), noise.subarray(0, bytes));
  }
});

test("what gzip announces at its end is not believed: of several members it is wrong, and anybody can lie", async () => {
  const members = Buffer.concat([gzipSync(textOf(50_000)), gzipSync(textOf(10))]);
  assert.deepEqual(
    Buffer.from(await work().inflate(gzip, members, undefined)),
    Buffer.concat([textOf(50_000), textOf(10)]),
  );
  const liar = gzipSync(textOf(5_000));
  liar.writeUInt32LE(3, liar.length - 4);
  await assert.rejects(async () => work().inflate(gzip, liar, undefined), connectError(Code.Internal));
  const boaster = gzipSync(textOf(5_000));
  boaster.writeUInt32LE(2 ** 32 - 1, boaster.length - 4);
  const before = process.memoryUsage().arrayBuffers;
  const refused = assert.rejects(async () => work().inflate(gzip, boaster, undefined), connectError(Code.Internal));
  assert.ok(process.memoryUsage().arrayBuffers - before < 2 ** 24);
  await refused;
});

test("limits hold for what is inflated at once as for what is not, in the same words", async () => {
  const text = /message is larger than configured readMaxBytes 999 after decompression/;
  for (const bytes of [1_000, 300_000]) {
    for (const [compression, whole] of [
      [gzip, gzipSync(textOf(bytes))],
      [brotli, brotliCompressSync(textOf(bytes))],
    ] as const) {
      const refused = async () => work().inflate(compression, whole, 999);
      await assert.rejects(refused, connectError(Code.ResourceExhausted, text));
      assert.equal((await work().inflate(compression, whole, bytes)).length, bytes);
    }
  }
});

test("broken bytes are the peer's fault, at once as otherwise", async () => {
  const long = gzipSync(textOf(300_000));
  long.fill(0, 100, 200);
  await assert.rejects(async () => work().inflate(gzip, long, undefined), connectError(Code.Internal));
  for (const compression of [gzip, brotli]) {
    assert.throws(
      () => work().inflate(compression, new Uint8Array(10).fill(7), undefined),
      connectError(Code.Internal, /decompression failed/),
    );
  }
});

test("connect-node's own Compressions are done at once like the built-in ones, as soon as they are known", async () => {
  const one = work();
  const text = textOf(2_000);
  for (const compression of [compressionGzip, compressionBrotli]) {
    const whole = await one.compress(compression, text);
    assert.deepEqual(Buffer.from(await one.inflate(compression, whole, undefined)), text);
  }
  for (let turns = 0; turns < 100 && !(one.compress(compressionGzip, text) instanceof Uint8Array); turns++) {
    await nextTurn();
  }
  assert.ok(one.compress(compressionGzip, text) instanceof Uint8Array);
  assert.ok(one.inflate(compressionBrotli, brotliCompressSync(text), undefined) instanceof Uint8Array);
});

test("a user's own Compression does its own work, whatever its name is, with bytes that are its alone", async () => {
  const seen: Uint8Array[] = [];
  const own: Compression = {
    name: "gzip",
    compress: async (bytes) => {
      seen.push(bytes);
      return new Uint8Array([1]);
    },
    decompress: async (bytes) => {
      seen.push(bytes);
      return new Uint8Array([2]);
    },
  };
  const one = work();
  const slab = new Uint8Array(100);
  for (let i = 0; i < 3; i++) {
    assert.deepEqual(await one.compress(own, slab), new Uint8Array([1]));
    assert.deepEqual(await one.inflate(own, slab.subarray(10, 20), undefined), new Uint8Array([2]));
    await nextTurn();
  }
  assert.deepEqual(
    seen.map(({ length, buffer }) => [length, buffer.byteLength]),
    Array.from({ length: 3 }, () => [
      [100, 100],
      [10, 10],
    ]).flat(),
  );
});

test("content that takes long is not compressed at once again, until a hundred messages later", () => {
  const pace = new CompressionPace();
  assert.ok(pace.allows(65_536) && pace.allows(16_384));
  // The process may have been kept waiting meanwhile: one alone proves nothing.
  pace.took(65_536, 15);
  assert.ok(pace.allows(65_536));
  pace.took(65_536, 15);
  assert.ok(pace.allows(4_096));
  let refused = 0;
  while (!pace.allows(65_536)) refused++;
  assert.ok(refused > 80 && refused < 110, `${refused}`);
  pace.took(65_536, 0.2);
  assert.ok(pace.allows(65_536));
});

test("a turn takes no more than its share of messages, and the others follow in their order", async () => {
  const clock = new ManualClock();
  const share = new TurnShare(clock);
  const done: number[] = [];
  const piece = (i: number) => () => {
    clock.stall(0.4);
    done.push(i);
    if (i === 5) throw new Error("the sixth");
    return i;
  };
  const results = Array.from({ length: 8 }, (_, i) => share.run(piece(i)));
  assert.deepEqual(done, [0, 1, 2]);
  assert.deepEqual(results.slice(0, 3), [0, 1, 2]);
  const settled = Promise.allSettled(results.slice(3));
  await clock.advance(0);
  assert.deepEqual(done, [0, 1, 2, 3, 4, 5]);
  await clock.advance(0);
  assert.deepEqual(done, [0, 1, 2, 3, 4, 5, 6, 7]);
  assert.deepEqual(
    (await settled).map(({ status }) => status),
    ["fulfilled", "fulfilled", "rejected", "fulfilled", "fulfilled"],
  );
  await clock.advance(0);
  assert.equal(
    share.run(() => "rested"),
    "rested",
  );
});
