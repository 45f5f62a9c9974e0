import assert from "node:assert/strict";
import { test } from "node:test";
import { ReplayBuffer, type RequestSink } from "../../src/retry/replay-buffer.ts";

/** Writes down what it is given; a number of bytes above which it has no more room. */
class Recorder implements RequestSink {
  readonly log: string[] = [];
  readonly #roomBytes: number;
  #bytes = 0;

  constructor(roomBytes = Number.POSITIVE_INFINITY) {
    this.#roomBytes = roomBytes;
  }

  write(bytes: Uint8Array): boolean {
    this.#bytes += bytes.length;
    this.log.push(`write ${Buffer.from(bytes)}`);
    return this.#bytes < this.#roomBytes;
  }

  end(bytes?: Uint8Array): void {
    this.log.push(bytes === undefined ? "end" : `end ${Buffer.from(bytes)}`);
  }
}

function bufferOf(maxBytes: number, ...messages: string[]): ReplayBuffer {
  const buffer = new ReplayBuffer(maxBytes);
  for (const message of messages) buffer.add(Buffer.from(message));
  return buffer;
}

test("what was added goes to every attempt, in order", () => {
  const buffer = bufferOf(100, "a", "b", "c");
  for (let attempt = 0; attempt < 3; attempt++) {
    const sink = new Recorder();
    assert.equal(buffer.sendTo(sink), true);
    assert.deepEqual(sink.log, ["write a", "write b", "write c"]);
  }
});

test("the end travels with the last message", () => {
  const buffer = bufferOf(100, "a", "b");
  buffer.end();
  const sink = new Recorder();
  assert.equal(buffer.sendTo(sink), false);
  assert.deepEqual(sink.log, ["write a", "end b"]);
});

test("a request that ended without a message is an end alone", () => {
  const buffer = bufferOf(100);
  const open = new Recorder();
  assert.equal(buffer.sendTo(open), true);
  assert.deepEqual(open.log, []);
  buffer.end();
  const ended = new Recorder();
  assert.equal(buffer.sendTo(ended), false);
  assert.deepEqual(ended.log, ["end"]);
});

test("an attempt without room gets all that is kept, and asks for no more", () => {
  const sink = new Recorder(2);
  assert.equal(bufferOf(100, "a", "b", "c").sendTo(sink), false);
  assert.deepEqual(sink.log, ["write a", "write b", "write c"]);
});

test("exactly bufferMaxBytes are kept, one more overflows, and nothing is lost before the release", () => {
  const buffer = bufferOf(3, "ab", "c");
  assert.equal(buffer.overflowed, false);
  buffer.add(Buffer.from("d"));
  assert.equal(buffer.overflowed, true);
  const sink = new Recorder();
  buffer.sendTo(sink);
  assert.deepEqual(sink.log, ["write ab", "write c", "write d"]);
  buffer.release();
  const after = new Recorder();
  buffer.sendTo(after);
  assert.deepEqual(after.log, []);
});
