import assert from "node:assert/strict";
import { test } from "node:test";
import type { Message } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { canceledFailure } from "../../../../src/base/errors.ts";
import type { ChannelCall } from "../../../../src/channel/channel.ts";
import { UnreadMemory } from "../../../../src/http2/unread-memory.ts";
import { ResponseQueue } from "../../../../src/transport/messages/response-stream.ts";
import { ManualClock } from "../../../support/manual-clock.ts";

const mebibyte = 2 ** 20;
const reader = {};
const message = { $typeName: "test.Message" } as Message;

/** A queue whose call and whose decoding are the test's. */
function newQueue() {
  const unread = new UnreadMemory(new ManualClock());
  const pauses: string[] = [];
  const decoded = { error: undefined as Error | undefined, abort: undefined as ConnectError | undefined };
  const call = {
    pause: () => pauses.push("pause"),
    resume: () => pauses.push("resume"),
    cancel: () => queue.cut(undefined),
  } as unknown as ChannelCall;
  const decode = () => {
    if (decoded.error !== undefined) throw decoded.error;
    return message;
  };
  const undecodable = (error: unknown) => {
    call.cancel(canceledFailure(error));
    return ConnectError.from(error);
  };
  const queue = new ResponseQueue({ decode, undecodable, abortError: () => decoded.abort }, call, unread);
  return { queue, unread, pauses, decoded };
}

const endings: Record<string, (set: ReturnType<typeof newQueue>) => unknown> = {
  "all of them are read": async ({ queue }) => {
    for (let i = 0; i < 3; i++) await queue.next(reader);
  },
  "one is read and the response is complete": async ({ queue }) => {
    await queue.next(reader);
    queue.end(undefined);
    queue.end(undefined);
    await queue.next(reader);
  },
  "the call fails": ({ queue }) => {
    queue.end(() => new ConnectError("lost", Code.Unavailable));
    queue.cut(undefined);
  },
  "the reader leaves": ({ queue }) => {
    queue.cut(undefined);
    queue.cut(undefined);
    queue.push(0, new Uint8Array(10));
  },
  "one of them cannot be decoded": async ({ queue, decoded }) => {
    decoded.error = new Error("odd");
    await assert.rejects(queue.next(reader));
  },
  "the signal was aborted": async ({ queue, decoded }) => {
    decoded.abort = new ConnectError("aborted", Code.Canceled);
    await assert.rejects(queue.next(reader));
    queue.cut(undefined);
  },
};

for (const [what, end] of Object.entries(endings)) {
  test(`unread messages no longer count for the channel once ${what}`, async () => {
    const set = newQueue();
    for (const bytes of [1_000, 2_000, 3_000]) set.queue.push(0, new Uint8Array(bytes));
    assert.equal(set.unread.bytes, 6_000 + 3 * 64);
    await end(set);
    assert.equal(set.unread.bytes, 0);
  });
}

test("a response stops its peer at 256 KiB, and at 64 KiB where the channel's responses hold much", async () => {
  for (const [others, messages] of [
    [0, 5],
    [65 * mebibyte, 2],
  ] as const) {
    const { queue, unread, pauses } = newQueue();
    unread.add(others);
    let pushed = 0;
    while (pauses.length === 0) {
      queue.push(0, new Uint8Array(60_000));
      pushed++;
    }
    assert.equal(pushed, messages);
    for (let read = 0; read < pushed; read++) await queue.next(reader);
    assert.deepEqual(pauses, ["pause", "resume"]);
  }
});
