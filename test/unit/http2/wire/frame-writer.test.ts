import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FrameWriter } from "../../../../src/http2/wire/frame-writer.ts";
import { HpackDecoder } from "../../../../src/http2/wire/hpack/decoder.ts";
import { HpackEncoder } from "../../../../src/http2/wire/hpack/encoder.ts";
import { HuffmanDecoder } from "../../../../src/http2/wire/hpack/huffman.ts";
import { systemClock } from "../../../../src/runtime/clock.ts";
import { settle } from "../../../support/manual-clock.ts";
import { head } from "./engine.ts";
import { frameTypes, type SeenFrame } from "./raw-peer.ts";

function newWriter() {
  const writes: (readonly Uint8Array[])[] = [];
  const writer = new FrameWriter((pieces) => writes.push(pieces), systemClock());
  return { writer, writes, frames: () => framesOf(Buffer.concat(writes.flat())) };
}

function framesOf(bytes: Buffer): SeenFrame[] {
  const frames: SeenFrame[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUIntBE(at, 3);
    frames.push({
      type: bytes[at + 3] as number,
      flags: bytes[at + 4] as number,
      streamId: bytes.readUInt32BE(at + 5),
      payload: bytes.subarray(at + 9, at + 9 + length),
    });
    at += 9 + length;
  }
  return frames;
}

const message = Buffer.from("a message");

describe("FrameWriter", () => {
  it("hands all frames of one tick over in one piece", async () => {
    const { writer, writes, frames } = newWriter();
    const encoder = new HpackEncoder("http", "test");
    for (let id = 1; id < 12; id += 2) {
      writer.headers(id, encoder, head, ["grpc-timeout", "1S"], 16_384);
      writer.data(id, message, 0, message.length, true, 16_384);
      await Promise.resolve();
    }
    assert.equal(writes.length, 0);
    await settle();
    assert.equal(writes.length, 1);
    assert.deepEqual(
      frames().map(({ type, streamId, flags }) => [type, streamId, flags]),
      [1, 3, 5, 7, 9, 11].flatMap((id) => [
        [frameTypes.headers, id, 0x4],
        [frameTypes.data, id, 0x1],
      ]),
    );
  });

  it("takes back what has not left of streams that will not be processed, and nothing of others", async () => {
    const { writer, frames } = newWriter();
    const encoder = new HpackEncoder("http", "test");
    const large = Buffer.alloc(10_000, 1);
    writer.data(3, message, 0, message.length, false, 16_384);
    for (const id of [5, 7]) {
      writer.headers(id, encoder, head, [], 16_384);
      writer.data(id, message, 0, message.length, false, 16_384);
      writer.windowUpdate(3, 100);
      writer.data(id, large, 0, large.length, true, 16_384);
    }
    writer.rstStream(7, 8);
    writer.windowUpdate(0, 100);
    assert.equal(writer.withdrawAbove(5), message.length + large.length, "the DATA of stream 7");
    writer.data(3, message, 0, message.length, true, 16_384);
    await settle();
    const { headers, data, windowUpdate } = frameTypes;
    assert.deepEqual(
      frames().map(({ type, streamId, payload }) => [type, streamId, type === headers ? 0 : payload.length]),
      [
        [data, 3, message.length],
        [headers, 5, 0],
        [data, 5, message.length],
        [windowUpdate, 3, 4],
        [data, 5, large.length],
        [windowUpdate, 3, 4],
        [windowUpdate, 0, 4],
        [data, 3, message.length],
      ],
    );
  });

  it("passes large payload on without copying it, in its place", async () => {
    const { writer, writes, frames } = newWriter();
    const large = Buffer.alloc(10_000, 1);
    writer.data(1, message, 0, message.length, false, 16_384);
    writer.data(3, large, 0, large.length, true, 16_384);
    writer.rstStream(5, 8);
    await settle();
    assert.equal(writes.length, 1);
    assert.ok(writes[0]?.includes(large));
    assert.deepEqual(
      frames().map(({ type }) => type),
      [frameTypes.data, frameTypes.data, frameTypes.rstStream],
    );
  });

  it("puts small messages of one stream and tick, and their END_STREAM, into one frame", async () => {
    const { writer, frames } = newWriter();
    writer.data(1, message, 0, message.length, false, 16_384);
    writer.data(1, message, 2, message.length, false, 16_384);
    writer.data(1, message, 0, 0, true, 16_384);
    writer.data(3, message, 0, message.length, false, 16_384);
    writer.data(1, message, 0, message.length, false, 16_384);
    await settle();
    assert.deepEqual(
      frames().map(({ streamId, flags, payload }) => [streamId, flags, payload.toString()]),
      [
        [1, 1, "a messagemessage"],
        [3, 0, "a message"],
        [1, 0, "a message"],
      ],
    );
  });

  it("begins a new frame after one that has left or was discarded", () => {
    const { writer, frames } = newWriter();
    writer.data(1, message, 0, message.length, false, 16_384);
    writer.flush();
    writer.data(1, message, 2, message.length, false, 16_384);
    writer.discard();
    writer.data(1, message, 0, 1, true, 16_384);
    writer.flush();
    assert.deepEqual(
      frames().map(({ streamId, flags, payload }) => [streamId, flags, payload.toString()]),
      [
        [1, 0, "a message"],
        [1, 1, "a"],
      ],
    );
  });

  it("never makes a frame larger than the peer takes", async () => {
    const { writer, frames } = newWriter();
    const piece = Buffer.alloc(3_000);
    for (let i = 0; i < 10; i++) writer.data(1, piece, 0, piece.length, false, 7_000);
    await settle();
    assert.ok(frames().every(({ payload }) => payload.length <= 7_000));
    assert.equal(
      frames().reduce((sum, { payload }) => sum + payload.length, 0),
      30_000,
    );
  });

  it("splits a header block that is larger than a frame", async () => {
    const { writer, frames } = newWriter();
    const own = ["x-large", "v".repeat(40_000)];
    writer.headers(1, new HpackEncoder("http", "test"), head, own, 16_384);
    await settle();
    assert.deepEqual(
      frames().map(({ type, flags }) => [type, flags]),
      [
        [frameTypes.headers, 0],
        [frameTypes.continuation, 0],
        [frameTypes.continuation, 0x4],
      ],
    );
    const decoder = new HpackDecoder(new HuffmanDecoder(), { maxBytes: 100_000, maxFields: 100 });
    const block = Buffer.concat(frames().map(({ payload }) => payload));
    assert.deepEqual(decoder.decode(block, 0, block.length).fields.slice(-2), own);
  });

  it("answers PINGs before everything else that waits", async () => {
    const { writer, frames } = newWriter();
    writer.data(1, message, 0, message.length, true, 16_384);
    writer.pingAck(Buffer.from("12345678"));
    await settle();
    assert.deepEqual(
      frames().map(({ type, flags }) => [type, flags]),
      [
        [frameTypes.ping, 1],
        [frameTypes.data, 1],
      ],
    );
  });

  it("does not wait for the end of the tick with a large batch", () => {
    const { writer, writes } = newWriter();
    const large = Buffer.alloc(16_384);
    for (let i = 0; i < 9; i++) writer.data(1, large, 0, large.length, false, 16_384);
    assert.equal(writes.length, 1);
    writer.close();
  });

  it("counts its batches, and leaves nothing once it is closed", async () => {
    const { writer, writes } = newWriter();
    const before = writer.batch;
    writer.rstStream(1, 8);
    assert.equal(writer.batch, before);
    writer.flush();
    assert.equal(writer.batch, before + 1);
    writer.rstStream(3, 8);
    writer.close();
    writer.rstStream(5, 8);
    await settle();
    assert.equal(writes.length, 1);
  });
});
