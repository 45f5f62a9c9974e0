import assert from "node:assert/strict";
import { test } from "node:test";
import {
  endWithMessage,
  type FramedMessage,
  joinMessages,
  PrefixedMessage,
  writeMessage,
} from "../../../src/protocol/framed-message.ts";
import { compressedFlag, frameMessage } from "../../../src/protocol/framing.ts";
import { MessageMemory } from "../../../src/protocol/message-memory.ts";

const memory = new MessageMemory();
const small = frameMessage(Buffer.from("small"), 0, memory);
const large = frameMessage(new Uint8Array(70_000).fill(7), compressedFlag, memory);

/** What a stream is given, write by write, and at the end. */
function given(work: (writer: { write(bytes: Uint8Array): boolean; end(bytes?: Uint8Array): void }) => void) {
  const pieces: Buffer[] = [];
  let ended = false;
  work({
    write: (bytes) => pieces.push(Buffer.from(bytes)) > 1,
    end: (bytes) => {
      ended = true;
      if (bytes !== undefined) pieces.push(Buffer.from(bytes));
    },
  });
  return { pieces, ended, bytes: Buffer.concat(pieces) };
}

test("a small message is one piece with its prefix, and a large one is not copied behind it", () => {
  assert.deepEqual(Buffer.from(small as Uint8Array), Buffer.from("\0\0\0\0\x05small"));
  const message = new Uint8Array(16_385);
  const framed = frameMessage(message, 0, memory) as PrefixedMessage;
  assert.ok(framed instanceof PrefixedMessage);
  assert.equal(framed.message, message);
  assert.deepEqual([...framed.prefix], [0, 0, 0, 0x40, 0x01]);
  assert.equal(framed.length, 16_390);
  assert.ok(frameMessage(new Uint8Array(16_384), 0, memory) instanceof Uint8Array);
});

test("a message leaves as the same bytes, written or as the last, in one piece or two", () => {
  for (const framed of [small, large] satisfies FramedMessage[]) {
    const whole = joinMessages([framed]);
    assert.equal(whole.length, framed.length);
    const written = given((writer) => writeMessage(writer, framed));
    const last = given((writer) => endWithMessage(writer, framed));
    assert.deepEqual([written.bytes.equals(whole), written.ended], [true, false]);
    assert.deepEqual([last.bytes.equals(whole), last.ended], [true, true]);
  }
  assert.deepEqual(given((writer) => endWithMessage(writer, undefined)).pieces, []);
});

test("whether there is room is what the last piece was answered", () => {
  const answers = [true, false];
  assert.equal(writeMessage({ write: () => answers.shift() as boolean, end: () => assert.fail() }, large), false);
});

test("messages that are joined keep their order", () => {
  const [one, other] = [joinMessages([small]), joinMessages([large])];
  assert.deepEqual(joinMessages([small, large, small]), Buffer.concat([one, other, one]));
});
