import assert from "node:assert/strict";
import { test } from "node:test";
import { ReplayBuffer, type RequestWriter } from "../../../../src/calls/retry/replay-buffer.ts";
import { ReplayMemory } from "../../../../src/calls/retry/replay-memory.ts";

/** Writes down what it is given; a number of bytes above which it has no more room. */
class Recorder implements RequestWriter {
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
  const buffer = new ReplayBuffer(maxBytes, new ReplayMemory(1_000));
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
  assert.equal(buffer.above, undefined);
  buffer.add(Buffer.from("d"));
  assert.equal(buffer.above, "call");
  const sink = new Recorder();
  buffer.sendTo(sink);
  assert.deepEqual(sink.log, ["write ab", "write c", "write d"]);
  buffer.release();
  const after = new Recorder();
  buffer.sendTo(after);
  assert.deepEqual(after.log, []);
});

test("what all buffers keep is counted together, and what one of them releases is room for others", () => {
  const memory = new ReplayMemory(4);
  const [first, second, third] = [0, 1, 2].map(() => new ReplayBuffer(3, memory)) as [
    ReplayBuffer,
    ReplayBuffer,
    ReplayBuffer,
  ];
  first.add(Buffer.from("ab"));
  second.add(Buffer.from("cd"));
  assert.deepEqual([first.above, second.above], [undefined, undefined]);
  second.add(Buffer.from("e"));
  assert.equal(second.above, "total");
  // It is here until it was sent.
  const sink = new Recorder();
  second.sendTo(sink);
  assert.deepEqual(sink.log, ["write cd", "write e"]);
  second.release();
  second.release();
  third.add(Buffer.from("fg"));
  assert.equal(third.above, undefined);
  third.add(Buffer.from("h"));
  assert.equal(third.above, "total");
  first.release();
  third.release();
  assert.ok(memory.keep(4));
  assert.ok(!memory.keep(1));
});
