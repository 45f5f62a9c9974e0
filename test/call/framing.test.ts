import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compressedFlag, frameMessage, MessageReader } from "../../src/call/framing.ts";

interface Read {
  readonly messages: { readonly flag: number; readonly text: string }[];
  readonly tooLarge: number[];
  readonly atBoundary: boolean;
}

/** What a reader makes of bytes that come in these pieces. */
function read(pieces: readonly Uint8Array[], maxBytes = 1_000_000): Read {
  const reader = new MessageReader(maxBytes);
  const messages: Read["messages"] = [];
  const tooLarge: number[] = [];
  for (const piece of pieces) {
    reader.push(piece, {
      message(flag, payload) {
        messages.push({ flag, text: Buffer.from(payload).toString("latin1") });
        return true;
      },
      tooLarge: (length) => tooLarge.push(length),
    });
  }
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
      const bytes = Buffer.concat(messages.map(({ flag, text }) => frameMessage(Buffer.from(text), flag)));
      const expected = messages.map(({ flag, text }) => ({ flag, text: Buffer.from(text).toString("latin1") }));
      assert.deepEqual(read(slices(bytes, cuts)), { messages: expected, tooLarge: [], atBoundary: true });
    }),
  );
});

test("a message split at every byte arrives whole", () => {
  const bytes = Buffer.concat([
    frameMessage(Buffer.from("first"), 0),
    frameMessage(new Uint8Array(0), 0),
    frameMessage(Buffer.from("third"), compressedFlag),
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
  const bytes = Buffer.concat(Array.from({ length: 1_000 }, (_, i) => frameMessage(Buffer.from(String(i)), 0)));
  const { messages, atBoundary } = read([new Uint8Array(0), bytes, new Uint8Array(0)]);
  assert.deepEqual(
    messages.map(({ text }) => text),
    Array.from({ length: 1_000 }, (_, i) => String(i)),
  );
  assert.ok(atBoundary);
});

test("a message above the limit is refused at its prefix, and nothing is read after it", () => {
  const prefix = Uint8Array.of(0, 0xff, 0xff, 0xff, 0xff);
  const { messages, tooLarge } = read([prefix, frameMessage(Buffer.from("x"), 0)], 1_000);
  assert.deepEqual([messages, tooLarge], [[], [0xffffffff]]);
  assert.deepEqual(read([frameMessage(Buffer.alloc(1_000), 0)], 1_000).tooLarge, []);
});

test("bytes that end within a prefix or a message are not at a boundary", () => {
  const bytes = frameMessage(Buffer.from("ab"), 0);
  for (let length = 1; length < bytes.length; length++) assert.ok(!read([bytes.subarray(0, length)]).atBoundary);
  // A prefix that is complete but whose message has not begun.
  assert.ok(!read([bytes.subarray(0, 5)]).atBoundary);
});

test("a sink that has enough gets no further message", () => {
  const reader = new MessageReader(100);
  let messages = 0;
  const sink = { message: () => ++messages < 2, tooLarge: () => assert.fail() };
  reader.push(Buffer.concat(Array.from({ length: 5 }, () => frameMessage(Buffer.from("x"), 0))), sink);
  reader.push(frameMessage(Buffer.from("x"), 0), sink);
  assert.equal(messages, 2);
});
