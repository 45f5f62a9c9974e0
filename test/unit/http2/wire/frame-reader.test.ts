import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type FrameListener, FrameReader } from "../../../../src/http2/wire/frame-reader.ts";
import { dataFrame, endStream, frame, frameTypes, paddedDataFrame } from "./raw-peer.ts";

/** What a reader told: DATA joined as far as its frames follow each other on a stream, because cutting it is free. */
class Recording implements FrameListener {
  readonly told: string[] = [];
  #data: { streamId: number; bytes: Buffer[]; padding: number } | undefined;

  onDataFrame(streamId: number, ends: boolean, chunk: Buffer, start: number, end: number, paddingBytes: number): void {
    if (this.#data?.streamId !== streamId) this.finish();
    this.#data ??= { streamId, bytes: [], padding: 0 };
    this.#data.bytes.push(Buffer.from(chunk.subarray(start, end)));
    this.#data.padding += paddingBytes;
    if (ends) this.finish(" end");
  }

  onFrame(type: number, flags: number, streamId: number, payload: Buffer, start: number, end: number): void {
    this.finish();
    this.told.push(`${type} ${flags} ${streamId} ${payload.toString("hex", start, end)}`);
  }

  onFramingError(code: number, problem: string): void {
    this.finish();
    this.told.push(`error ${code} ${problem}`);
  }

  finish(mark = ""): void {
    if (this.#data === undefined) return;
    const { streamId, bytes, padding } = this.#data;
    this.told.push(`data ${streamId} ${Buffer.concat(bytes).toString("hex")} +${padding}${mark}`);
    this.#data = undefined;
  }
}

/** What a reader tells of chunks that come in the same memory, one after the other. */
function read(chunks: readonly Buffer[]): string[] {
  const sink = new Recording();
  const reader = new FrameReader(sink);
  const reused = Buffer.alloc(1 + Math.max(...chunks.map(({ length }) => length)));
  for (const chunk of chunks) {
    reused.fill(0xee);
    chunk.copy(reused);
    reader.push(reused, chunk.length);
  }
  sink.finish();
  return sink.told;
}

function sliced(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const at = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...at].map((start, i) => bytes.subarray(start, at[i] ?? bytes.length));
}

const anyFrame = fc.oneof(
  fc
    .tuple(fc.nat(12), fc.nat(255), fc.nat(9), fc.uint8Array({ maxLength: 60 }))
    .map(([type, flags, streamId, payload]) => frame(type, type === 0 ? flags & 0x1 : flags, streamId, payload)),
  fc
    .tuple(fc.nat(9), fc.uint8Array({ maxLength: 60 }), fc.nat(30))
    .map(([streamId, payload, padding]) => paddedDataFrame(streamId, payload, padding)),
);

describe("FrameReader", () => {
  it("reads the same frames under every slicing", () => {
    fc.assert(
      fc.property(
        fc.array(anyFrame, { minLength: 1, maxLength: 8 }),
        fc.array(fc.nat(2_000), { maxLength: 40 }),
        (frames, cuts) => {
          const bytes = Buffer.concat(frames);
          assert.deepEqual(read(sliced(bytes, cuts)), read([bytes]));
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it("reads the same frames byte by byte", () => {
    const bytes = Buffer.concat([
      frame(frameTypes.settings, 0, 0, Buffer.alloc(6)),
      dataFrame(1, Buffer.from("hello")),
      paddedDataFrame(1, Buffer.from("padded"), 200, endStream),
      dataFrame(3, Buffer.alloc(0), endStream),
      frame(frameTypes.ping, 0, 0, Buffer.from("12345678")),
      frame(0xaa, 0xff, 77, Buffer.from("unknown")),
    ]);
    const whole = read([bytes]);
    assert.equal(whole.length, 5);
    assert.deepEqual(read([...bytes].map((byte) => Buffer.from([byte]))), whole);
  });

  it("passes DATA on where it lies, before its frame is complete", () => {
    const bytes = dataFrame(1, Buffer.alloc(1_000, 7));
    const first = bytes.subarray(0, 500);
    const seen: [ArrayBufferLike, number, boolean][] = [];
    const reader = new FrameReader({
      onDataFrame: (_, ends, chunk, start, end) => seen.push([chunk.buffer, end - start, ends]),
      onFrame: () => assert.fail("no other frame"),
      onFramingError: () => assert.fail("no error"),
    });
    reader.push(first, first.length);
    assert.deepEqual(seen, [[bytes.buffer, 491, false]]);
  });

  it("ignores the reserved bit of a stream id", () => {
    const bytes = frame(frameTypes.rstStream, 0, 5, Buffer.alloc(4));
    bytes[5] = 0x80;
    assert.deepEqual(read([bytes]), ["3 0 5 00000000"]);
  });

  it("refuses a frame above 16384 bytes as soon as its header is there, and reads nothing after it", () => {
    const header = frame(frameTypes.headers, 0, 1, Buffer.alloc(16_385)).subarray(0, 9);
    const told = read([header, frame(frameTypes.ping, 0, 0, Buffer.alloc(8))]);
    assert.deepEqual(told, ["error 6 sent a HEADERS frame of 16385 bytes, more than the 16384 we allow"]);
    assert.equal(read([frame(frameTypes.data, 0, 1, Buffer.alloc(16_384))]).length, 1);
  });

  it("refuses padding that is longer than its frame", () => {
    const bytes = frame(frameTypes.data, 0x8, 1, Buffer.from([5, 0, 0, 0, 0]));
    assert.deepEqual(read([bytes]), ["error 1 sent a DATA frame whose padding is longer than the frame"]);
    assert.deepEqual(
      read([frame(frameTypes.data, 0x8, 1)]).map((line) => line.slice(0, 7)),
      ["error 6"],
    );
  });

  it("stops in the middle of a chunk when it is told to", () => {
    const types: number[] = [];
    const reader: FrameReader = new FrameReader({
      onDataFrame: () => undefined,
      onFrame: (type) => {
        types.push(type);
        reader.stop();
      },
      onFramingError: () => undefined,
    });
    const settings = frame(4, 0, 0);
    reader.push(Buffer.concat([frame(6, 0, 0, Buffer.alloc(8)), settings]), 17 + settings.length);
    reader.push(settings, settings.length);
    assert.deepEqual(types, [6]);
  });
});
