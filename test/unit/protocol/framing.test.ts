import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compressedFlag, MessageReader } from "../../../src/protocol/framing.ts";
import { MessageMemory } from "../../../src/protocol/message-memory.ts";
import { framed } from "../../support/framed.ts";

interface Read {
  readonly messages: { readonly flag: number; readonly text: string }[];
  readonly tooLarge: number[];
  readonly atBoundary: boolean;
}

/** What a reader makes of bytes that come in these pieces, all of them in the same memory, one after the other. */
function read(pieces: readonly Uint8Array[], maxBytes = 1_000_000): Read {
  const reader = new MessageReader(maxBytes, new MessageMemory());
  const received: { readonly flag: number; readonly payload: Uint8Array }[] = [];
  const tooLarge: number[] = [];
  const listener = { onMessage: (flag: number, payload: Uint8Array) => received.push({ flag, payload }) > 0 };
  const reused = Buffer.alloc(3 + Math.max(0, ...pieces.map(({ length }) => length)));
  for (const piece of pieces) {
    reused.fill("?").set(piece, 3);
    const length = reader.push(reused, 3, 3 + piece.length, listener);
    if (length !== undefined) tooLarge.push(length);
  }
  const messages = received.map(({ flag, payload }) => ({ flag, text: Buffer.from(payload).toString("latin1") }));
  return { messages, tooLarge, atBoundary: reader.isAtBoundary };
}

function slices(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const ends = [...new Set([...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])].sort((a, b) => a - b);
  return ends.map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end));
}

test("messages are the same under every slicing of their bytes", () => {
  const message = fc.record({ flag: fc.integer({ min: 0, max: 1 }), text: fc.string({ maxLength: 40 }) });
  fc.assert(
    fc.property(fc.array(message, { maxLength: 8 }), fc.array(fc.nat(), { maxLength: 30 }), (messages, cuts) => {
      const bytes = Buffer.concat(messages.map(({ flag, text }) => framed(Buffer.from(text), flag)));
      const expected = messages.map(({ flag, text }) => ({ flag, text: Buffer.from(text).toString("latin1") }));
      assert.deepEqual(read(slices(bytes, cuts)), { messages: expected, tooLarge: [], atBoundary: true });
    }),
  );
});

test("a message split at every byte arrives whole", () => {
  const bytes = Buffer.concat([
    framed(Buffer.from("first")),
    framed(new Uint8Array(0)),
    framed(Buffer.from("third"), compressedFlag),
  ]);
  const expected = [
    { flag: 0, text: "first" },
    { flag: 0, text: "" },
    { flag: 1, text: "third" },
  ];
  for (let cut = 0; cut <= bytes.length; cut++) {
    assert.deepEqual(read([bytes.subarray(0, cut), bytes.subarray(cut)]).messages, expected);
  }
  assert.deepEqual(read([...bytes].map((byte) => Uint8Array.of(byte))).messages, expected);
});

test("a thousand messages in one chunk arrive in order, and empty chunks change nothing", () => {
  const bytes = Buffer.concat(Array.from({ length: 1_000 }, (_, i) => framed(Buffer.from(String(i)))));
  const { messages, atBoundary } = read([new Uint8Array(0), bytes, new Uint8Array(0)]);
  assert.deepEqual(
    messages.map(({ text }) => text),
    Array.from({ length: 1_000 }, (_, i) => String(i)),
  );
  assert.ok(atBoundary);
});

test("a message above the limit is refused at its prefix, and nothing is read after it", () => {
  const prefix = Uint8Array.of(0, 0xff, 0xff, 0xff, 0xff);
  const { messages, tooLarge } = read([prefix, framed(Buffer.from("x"))], 1_000);
  assert.deepEqual([messages, tooLarge], [[], [0xffffffff]]);
  assert.deepEqual(read([framed(Buffer.alloc(1_000))], 1_000).tooLarge, []);
});

test("bytes that end within a prefix or a message are not at a boundary", () => {
  const bytes = framed(Buffer.from("ab"));
  for (let length = 1; length < bytes.length; length++) assert.ok(!read([bytes.subarray(0, length)]).atBoundary);
  // A prefix that is complete but whose message has not begun.
  assert.ok(!read([bytes.subarray(0, 5)]).atBoundary);
});

test("a listener that has enough gets no further message", () => {
  const reader = new MessageReader(100, new MessageMemory());
  let messages = 0;
  const listener = { onMessage: () => ++messages < 2 };
  const one = framed(Buffer.from("x"));
  assert.equal(reader.push(Buffer.concat([one, one, one, one, one]), 0, 5 * one.length, listener), undefined);
  assert.equal(reader.push(one, 0, one.length, listener), undefined);
  assert.equal(messages, 2);
});

test("a large message of many pieces is whole, and a bytes field of it is no Buffer", () => {
  const payload = Buffer.from(Array.from({ length: 5_000_000 }, (_, i) => (i * 31) & 0xff));
  const body = framed(payload);
  const pieces = Array.from({ length: Math.ceil(body.length / 60_000) }, (_, i) =>
    body.subarray(i * 60_000, (i + 1) * 60_000),
  );
  const reader = new MessageReader(2 ** 31, new MessageMemory());
  const received: Uint8Array[] = [];
  const listener = { onMessage: (_: number, bytes: Uint8Array) => received.push(bytes) > 0 };
  for (const piece of pieces) assert.equal(reader.push(piece, 0, piece.length, listener), undefined);
  assert.equal(received.length, 1);
  assert.ok(payload.equals(received[0] as Uint8Array));
  assert.equal(Object.getPrototypeOf(received[0]), Uint8Array.prototype);
});

test("a message takes its size of memory and at most a quarter more while it is read, and up to 128 KiB its size once", () => {
  class CountedMemory extends MessageMemory {
    bytes = 0;
    override allocate(length: number): Uint8Array {
      this.bytes += length;
      return super.allocate(length);
    }
  }
  const frameBytes = 16_384;
  for (const length of [
    1, 20_000, 65_540, 131_072, 131_073, 150_000, 270_000, 600_000, 1_048_580, 5_000_000, 16_777_226,
  ]) {
    const memory = new CountedMemory();
    const reader = new MessageReader(2 ** 31, memory);
    const body = framed(new Uint8Array(length));
    let messages = 0;
    const listener = { onMessage: () => ++messages > 0 };
    for (let at = 0; at < body.length; at += frameBytes) {
      reader.push(body, at, Math.min(at + frameBytes, body.length), listener);
    }
    assert.equal(messages, 1);
    if (length <= 131_072) assert.equal(memory.bytes, length);
    else assert.ok(memory.bytes <= 1.25 * length, `${memory.bytes} bytes for ${length}`);
  }
});

test("a prefix that announces 4 GiB takes no more memory than a peer has to send for it", () => {
  const before = process.memoryUsage().arrayBuffers;
  const readers = Array.from({ length: 20 }, () => new MessageReader(2 ** 32, new MessageMemory()));
  const announced = Uint8Array.of(0, 0xff, 0xff, 0xff, 0xff, 1);
  const listener = { onMessage: () => assert.fail() };
  for (const reader of readers) assert.equal(reader.push(announced, 0, announced.length, listener), undefined);
  assert.ok(process.memoryUsage().arrayBuffers - before < 64 * 2 ** 20);
  assert.ok(readers.every(({ started }) => started));
});
