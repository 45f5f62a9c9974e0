import assert from "node:assert/strict";
import { test } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { ClientStreamRequestSchema } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { checkForLeaks } from "../../support/leaks.ts";
import { until } from "../../support/load.ts";
import {
  answer,
  bodyOf,
  failAfterHeaders,
  failTrailersOnly,
  type ReceivedCall,
  type Script,
  watched,
  withBench,
} from "./scripted-server.ts";

checkForLeaks();

const unavailable = failAfterHeaders(Code.Unavailable);

/** Request messages that a test hands over one at a time. */
class Requests implements AsyncIterable<{ text: string }> {
  readonly #texts: (string | undefined)[] = [];
  #wake: (() => void) | undefined;
  /** Messages that were asked for. */
  pulled = 0;

  give(...texts: string[]): void {
    this.#texts.push(...texts);
    this.#wake?.();
  }

  end(): void {
    this.#texts.push(undefined);
    this.#wake?.();
  }

  async *[Symbol.asyncIterator]() {
    for (;;) {
      if (this.#texts.length === 0) await new Promise<void>((resolve) => (this.#wake = resolve));
      const text = this.#texts.shift();
      if (text === undefined) return;
      this.pulled++;
      yield { text };
    }
  }
}

function textsIn(body: Buffer): string[] {
  const texts: string[] = [];
  for (let at = 0; at + 5 <= body.length; ) {
    const length = body.readUInt32BE(at + 1);
    texts.push(fromBinary(ClientStreamRequestSchema, body.subarray(at + 5, at + 5 + length)).text);
    at += 5 + length;
  }
  return texts;
}

/** Keeps what comes, readable at any time. */
function collect(call: ReceivedCall): { texts(): string[]; readonly ended: boolean } {
  const chunks: Buffer[] = [];
  const collected = { texts: () => textsIn(Buffer.concat(chunks)), ended: false };
  call.stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  call.stream.once("end", () => {
    collected.ended = true;
  });
  return collected;
}

async function failureOf(promise: Promise<unknown>): Promise<ConnectError> {
  return promise.then(
    () => assert.fail("the call should have failed"),
    (error: unknown) => ConnectError.from(error),
  );
}

test("a client stream is replayed in order, and goes on live where its request is still being made", () => {
  const seen: ReturnType<typeof collect>[] = [];
  return withBench({ script: (call) => seen.push(collect(call)) }, async ({ client, clock, fleet }) => {
    const { reports, contextValues } = watched();
    const requests = new Requests();
    const call = client.clientStream(requests, { contextValues });
    requests.give("a", "b");
    await until("two messages came", () => seen[0]?.texts().length === 2);
    unavailable(fleet.calls[0] as ReceivedCall);
    await until("the first attempt has failed", () => reports.length === 1);
    // Made while the retry waits: one is taken in advance.
    requests.give("c", "d");
    await clock.advance(100);
    await until("they came again", () => seen[1]?.texts().length === 4);
    requests.give("e");
    await until("the next came live", () => seen[1]?.texts().length === 5);
    assert.deepEqual(seen[1]?.texts(), ["a", "b", "c", "d", "e"]);
    assert.equal(seen[1]?.ended, false);
    requests.end();
    answer("all of it")(fleet.calls[1] as ReceivedCall);
    assert.equal((await call).text, "all of it");
    assert.equal(seen[1]?.ended, true);
    assert.equal(fleet.calls[1]?.headers["grpc-previous-rpc-attempts"], "1");
  });
});

test("a refused stream is replayed at once, with what was sent so far", () => {
  const seen: ReturnType<typeof collect>[] = [];
  return withBench({ script: (call) => seen.push(collect(call)) }, async ({ client, fleet }) => {
    const { reports, contextValues } = watched();
    const requests = new Requests();
    const call = client.clientStream(requests, { contextValues });
    requests.give("a", "b");
    await until("two messages came", () => seen[0]?.texts().length === 2);
    fleet.calls[0]?.stream.close(7);
    await until("they came again", () => seen[1]?.texts().length === 2);
    assert.equal(reports[0]?.progress, "refused");
    requests.give("c");
    requests.end();
    answer("in the end")(fleet.calls[1] as ReceivedCall);
    assert.equal((await call).text, "in the end");
    assert.deepEqual(seen[1]?.texts(), ["a", "b", "c"]);
    assert.equal(fleet.calls[1]?.headers["grpc-previous-rpc-attempts"], undefined);
  });
});

test("a request that was complete is replayed with its end", () => {
  const seen: ReturnType<typeof collect>[] = [];
  const script: Script = (call) => {
    const collected = collect(call);
    seen.push(collected);
    call.stream.once("end", () => (call.number === 0 ? unavailable(call) : undefined));
    if (call.number > 0) answer("whole")(call);
  };
  return withBench({ script }, async ({ client, clock }) => {
    const { reports, contextValues } = watched();
    const requests = new Requests();
    requests.give("a", "b", "c");
    requests.end();
    const call = client.clientStream(requests, { contextValues });
    await until("the first attempt has failed", () => reports.length === 1);
    await clock.advance(100);
    assert.equal((await call).text, "whole");
    assert.deepEqual(
      seen.map((collected) => collected.texts()),
      [
        ["a", "b", "c"],
        ["a", "b", "c"],
      ],
    );
  });
});

test("an empty client stream is replayed as an end alone", () =>
  withBench(
    { script: (call) => (call.number === 0 ? unavailable : answer("nothing"))(call) },
    async ({ client, clock }) => {
      const { reports, contextValues } = watched();
      const requests = new Requests();
      requests.end();
      const call = client.clientStream(requests, { contextValues });
      await until("the first attempt has failed", () => reports.length === 1);
      await clock.advance(100);
      assert.equal((await call).text, "nothing");
    },
  ));

test("a replayed stream asks for no more messages than its backend takes", () =>
  withBench(
    { script: () => undefined, options: { retry: { bufferMaxBytes: 2 ** 26 } } },
    async ({ client, clock, fleet }) => {
      const { reports, contextValues } = watched();
      const requests = new Requests();
      const text = "x".repeat(2 ** 15);
      for (let i = 0; i < 200; i++) requests.give(`${i} ${text}`);
      requests.end();
      const call = client.clientStream(requests, { contextValues });
      const pulled = () => requests.pulled;
      const stalled = async (number: number) => {
        await until("the request is there", () => fleet.calls.length > number);
        let before = -1;
        while (before !== pulled()) {
          before = pulled();
          await new Promise((resolve) => fleet.calls[number]?.session.ping(resolve));
        }
      };
      await stalled(0);
      const first = pulled();
      assert.ok(first < 100, `${first} messages were taken by a backend that reads none`);
      fleet.calls[0]?.stream.respond({ ":status": 503 }, { endStream: true });
      await until("the first attempt has failed", () => reports.length === 1);
      await clock.advance(100);
      await stalled(1);
      assert.ok(pulled() <= first + 1, `${pulled() - first} more were taken by the second`);
      const received = bodyOf(fleet.calls[1] as ReceivedCall);
      const texts = textsIn(await received).map((line) => Number.parseInt(line, 10));
      assert.deepEqual(texts, [...Array(200).keys()]);
      failTrailersOnly(Code.NotFound)(fleet.calls[1] as ReceivedCall);
      assert.equal((await failureOf(call)).code, Code.NotFound);
    },
  ));

test("a client stream beyond bufferMaxBytes is sent once, and the error says so", () => {
  const seen: ReturnType<typeof collect>[] = [];
  return withBench(
    { script: (call) => seen.push(collect(call)), options: { retry: { bufferMaxBytes: 30 } } },
    async ({ client, fleet }) => {
      const requests = new Requests();
      const failed = failureOf(client.clientStream(requests));
      requests.give("some bytes", "and more", "than thirty");
      await until("all messages came", () => seen[0]?.texts().length === 3);
      fleet.calls[0]?.cut();
      const error = await failed;
      assert.equal(error.code, Code.Unavailable);
      assert.match(error.message, /larger than retry.bufferMaxBytes 30/);
      assert.equal(fleet.calls.length, 1);
    },
  );
});

test("a message beyond bufferMaxBytes that waited for a connection is not lost", () =>
  withBench({ script: answer("got it"), options: { retry: { bufferMaxBytes: 3 } } }, async ({ client }) => {
    const requests = new Requests();
    requests.give("larger than three bytes", "and another");
    requests.end();
    assert.equal((await client.clientStream(requests)).text, "got it");
  }));

test("with retry: false a stream reaches a backend once", () => {
  const seen: ReturnType<typeof collect>[] = [];
  return withBench(
    { script: (call) => seen.push(collect(call)), options: { retry: false } },
    async ({ client, fleet }) => {
      const requests = new Requests();
      const failed = failureOf(client.clientStream(requests));
      requests.give("a");
      await until("the message came", () => seen[0]?.texts().length === 1);
      unavailable(fleet.calls[0] as ReceivedCall);
      assert.equal((await failed).code, Code.Unavailable);
      assert.equal(fleet.calls.length, 1);
    },
  );
});

for (const kind of ["clientStream", "bidi"] as const) {
  test(`perAttemptTimeoutMs does not count the time in which the backend waits for the caller: ${kind}`, () => {
    const seen: ReturnType<typeof collect>[] = [];
    return withBench(
      { script: (call) => seen.push(collect(call)), options: { retry: { perAttemptTimeoutMs: 200, maxAttempts: 2 } } },
      async ({ client, clock, fleet }) => {
        const { reports, contextValues } = watched();
        const requests = new Requests();
        const call = client[kind](requests, { contextValues });
        const failed = failureOf(Symbol.asyncIterator in call ? drained(call) : call);
        requests.give("a");
        await until("the message came", () => seen[0]?.texts().length === 1);
        await clock.advance(60_000);
        requests.give("b");
        await until("the second message came", () => seen[0]?.texts().length === 2);
        assert.equal(reports.length, 0);
        requests.end();
        await until("the request has ended", () => seen[0]?.ended === true);
        await clock.advance(199);
        assert.equal(reports.length, 0);
        await clock.advance(1);
        await until("the attempt was given up", () => reports.length === 1);
        // What is repeated is whole: its time counts from its start.
        await clock.advance(reports[0]?.retryDelayMs ?? 0);
        await until("the request came again", () => seen[1]?.ended === true);
        await clock.advance(200);
        assert.match((await failed).message, /took longer than perAttemptTimeoutMs 200/);
        assert.equal(fleet.calls.length, 2);
      },
    );
  });
}

async function drained(messages: AsyncIterable<unknown>): Promise<void> {
  for await (const message of messages) void message;
}

test("a bidi stream is replayed before its headers, and not after", () => {
  const seen: ReturnType<typeof collect>[] = [];
  return withBench({ script: (call) => seen.push(collect(call)) }, async ({ client, clock, fleet }) => {
    const { reports, contextValues } = watched();
    const requests = new Requests();
    const received: string[] = [];
    const failed = failureOf(
      (async () => {
        for await (const { text } of client.bidi(requests, { contextValues })) received.push(text);
      })(),
    );
    requests.give("a");
    await until("the message came", () => seen[0]?.texts().length === 1);
    failTrailersOnly(Code.Unavailable)(fleet.calls[0] as ReceivedCall);
    await until("the first attempt has failed", () => reports.length === 1);
    await clock.advance(100);
    await until("the message came again", () => seen[1]?.texts().length === 1);
    fleet.calls[1]?.stream.respond({ ":status": 200, "content-type": "application/grpc+proto" });
    await new Promise((resolve) => fleet.calls[1]?.session.ping(resolve));
    requests.give("b");
    await until("the next came live", () => seen[1]?.texts().length === 2);
    fleet.calls[1]?.cut();
    assert.equal((await failed).code, Code.Unavailable);
    assert.deepEqual(received, []);
    assert.equal(fleet.calls.length, 2);
  });
});
