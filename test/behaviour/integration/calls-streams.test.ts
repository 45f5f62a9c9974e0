import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { constants } from "node:http2";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code, createClient, type Interceptor } from "@connectrpc/connect";
import {
  type BidiRequestSchema,
  type ClientStreamRequestSchema,
  EchoService,
  type ServerStreamRequestSchema,
} from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import type { GlinkTransport } from "../../../src/index.ts";
import { startConnectEcho } from "../../support/echo-server.ts";
import { framed } from "../../support/framed.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { glinkTransport } from "../../support/transport.ts";
import { collect, connectError, servers, startOddPeer, until, withGlink, yielding } from "./calls-harness.ts";

checkForLeaks();

const passOn: Interceptor = (next) => (request) => next(request);

const { NGHTTP2_CANCEL } = constants;

/** Collects garbage; the test runner is started with --expose-gc. */
const collectGarbage = globalThis.gc as () => void;

function serverStream(transport: GlinkTransport, request: MessageInitShape<typeof ServerStreamRequestSchema>) {
  const requests = yielding(request);
  return transport.stream(EchoService.method.serverStream, undefined, undefined, undefined, requests);
}

for (const { name: server, start } of servers) {
  test(`a slow reader gets every message of a long stream in order, and its peer waits: ${server}`, () =>
    withGlink(start, {}, async (transport) => {
      const count = 1_000;
      const response = await serverStream(transport, { count, messageBytes: 10_000 });
      // 10 MB: the server cannot be done while nobody reads.
      await sleep(100);
      assert.equal(transport.snapshot().openCalls, 1);
      let expected = 0;
      for await (const { index, payload } of response.message) {
        assert.equal(index, expected++);
        assert.equal(payload.length, 10_000);
        if (index % 100 === 0) await sleep(2);
      }
      assert.equal(expected, count);
    }));

  test(`20 000 small messages come in order to a reader that sleeps at first: ${server}`, () =>
    withGlink(start, {}, async (transport) => {
      const response = await serverStream(transport, { count: 20_000 });
      await sleep(150);
      let expected = 0;
      for await (const { index } of response.message) assert.equal(index, expected++);
      assert.equal(expected, 20_000);
    }));

  test(`thousands of messages keep their order in both directions: ${server}`, () =>
    withGlink(start, {}, async (transport) => {
      async function* requests() {
        for (let i = 0; i < 3_000; i++) yield { text: String(i) };
      }
      let expected = 0;
      for await (const { text } of createClient(EchoService, transport).bidi(requests())) {
        assert.equal(text, String(expected++));
      }
      assert.equal(expected, 3_000);
    }));

  test(`leaving a response stream early cancels the call at the server: ${server}`, () =>
    withGlink(start, {}, async (transport, backend) => {
      const response = await serverStream(transport, { count: 100_000, intervalMs: 5 });
      for await (const { index } of response.message) if (index === 2) break;
      assert.equal(transport.snapshot().openCalls, 0);
      await until(() => backend.counters.aborted === 1, "the server heard of it");
      assert.deepEqual(await collect(response.message), [], "nothing comes after it");
    }));

  test(`a response stream that nobody holds any more is cancelled: ${server}`, () =>
    withGlink(start, {}, async (transport, backend) => {
      const client = createClient(EchoService, transport);
      // Connect's client does not tell the transport that the loop was left.
      await (async () => {
        for await (const { index } of client.serverStream({ count: 100_000, intervalMs: 5 })) if (index === 2) break;
      })();
      await until(() => {
        collectGarbage();
        return backend.counters.aborted === 1;
      }, "the server heard that nobody reads");
      await until(() => transport.snapshot().openCalls === 0, "no call is open");
    }));
}

test("a response stream that is waited for is not cancelled, though only the promise is held", () =>
  withGlink(
    () => startConnectEcho(),
    {},
    async (transport) => {
      const first = (await serverStream(transport, { count: 1, intervalMs: 300 })).message[
        Symbol.asyncIterator
      ]().next();
      for (let i = 0; i < 20; i++) {
        collectGarbage();
        await sleep(5);
      }
      assert.equal((await first).done, false);
    },
  ));

test("a peer that does not read stops the caller's messages, and the heap stays flat", async () => {
  let pulled = 0;
  const peer = await startOddPeer((stream) => stream.pause());
  const transport = glinkTransport({ baseUrl: `http://${peer.address}` });
  try {
    async function* requests() {
      for (; pulled < 20_000; pulled++) yield { payload: new Uint8Array(1_000) };
    }
    const controller = new AbortController();
    const call = createClient(EchoService, transport).clientStream(requests(), { signal: controller.signal });
    call.catch(() => undefined);
    let before = -1;
    await until(() => pulled > 0, "the first message was taken");
    while (before !== pulled) {
      before = pulled;
      await sleep(100);
    }
    assert.ok(pulled < 4_000, `${pulled} messages were taken ahead`);
    controller.abort();
    await assert.rejects(call, connectError(Code.Canceled));
    await until(() => peer.resets.length === 1, "the peer saw the reset");
    assert.deepEqual(peer.resets, [NGHTTP2_CANCEL]);
  } finally {
    await transport.close({ timeoutMs: 0 });
    await peer.close();
  }
});

test("a request iterable that throws fails the call with its error, and resets the stream", async () => {
  const peer = await startOddPeer((stream) => stream.resume());
  const transport = glinkTransport({ baseUrl: `http://${peer.address}` });
  try {
    const client = createClient(EchoService, transport);
    const cause = new RangeError("out of messages");
    async function* requests() {
      yield { text: "one" };
      await until(() => peer.requests.length > 0, "the stream is open");
      throw cause;
    }
    await assert.rejects(client.clientStream(requests()), (error) => {
      connectError(Code.Internal, /out of messages/)(error);
      assert.equal((error as Error).cause, cause);
      return true;
    });
    await until(() => peer.resets.length === 1, "the peer saw the reset");
    assert.deepEqual(peer.resets, [NGHTTP2_CANCEL]);
  } finally {
    await transport.close();
    await peer.close();
  }
});

for (const interceptors of [[], [passOn]]) {
  test(`request iterables that break the protocol of iterables fail that call alone, ${interceptors.length} interceptors`, () =>
    withGlink(
      () => startConnectEcho(),
      { interceptors },
      async (transport) => {
        const client = createClient(EchoService, transport);
        const broken: unknown[] = [
          {},
          { [Symbol.asyncIterator]: () => ({ next: () => 1 }) },
          { [Symbol.asyncIterator]: () => undefined },
          { [Symbol.asyncIterator]: () => null },
          { [Symbol.asyncIterator]: () => ({}) },
          {
            [Symbol.asyncIterator]() {
              throw new Error("no iterator");
            },
          },
          yielding({ payload: 5 }),
          yielding({ behavior: { delayMs: -1 } }),
        ];
        for (const requests of broken) {
          await assert.rejects(
            client.clientStream(requests as AsyncIterable<MessageInitShape<typeof ClientStreamRequestSchema>>),
            (error) => error instanceof Error && error.name === "ConnectError",
          );
        }
        assert.equal((await client.clientStream(yielding({ text: "fine" }))).count, 1);
        assert.equal(transport.snapshot().openCalls, 0);
      },
    ));
}

/** A request iterable that notes what it is told. */
function tellable(
  first: MessageInitShape<typeof BidiRequestSchema>,
  ...then: MessageInitShape<typeof BidiRequestSchema>[]
) {
  const told: string[] = [];
  const messages = [first, ...then];
  const iterable: AsyncIterable<MessageInitShape<typeof BidiRequestSchema>> = {
    [Symbol.asyncIterator]: () => ({
      next: () => {
        const value = messages.shift();
        return value === undefined ? new Promise(() => undefined) : Promise.resolve({ done: false, value });
      },
      throw: (error) => {
        told.push(`throw ${(error as Error).message}`);
        return Promise.reject(error);
      },
      return: () => {
        told.push("return");
        return Promise.resolve({ done: true, value: undefined });
      },
    }),
  };
  return { iterable, told };
}

test("a request iterable that never ends is told when the call is over", () =>
  withGlink(
    () => startConnectEcho(),
    {},
    async (transport) => {
      const client = createClient(EchoService, transport);
      const failing = tellable({ behavior: { failCode: Code.NotFound, failMessage: "gone" } });
      await assert.rejects(collect(client.bidi(failing.iterable)), connectError(Code.NotFound));
      assert.deepEqual(failing.told, ["throw [not_found] gone", "return"]);

      const controller = new AbortController();
      const aborted = tellable({ text: "x" });
      const call = collect(client.bidi(aborted.iterable, { signal: controller.signal }));
      await until(() => transport.snapshot().openCalls === 1, "the call is open");
      controller.abort(new Error("enough"));
      await assert.rejects(call, connectError(Code.Canceled, /enough/));
      assert.match(aborted.told.join(), /^throw \[canceled\] enough.*,return$/);
    },
  ));

test("a request iterable is told to return when the server answered early", async () => {
  const peer = await startOddPeer((stream) => {
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.end(framed(new Uint8Array(0)));
  });
  const transport = glinkTransport({ baseUrl: `http://${peer.address}` });
  try {
    const { iterable, told } = tellable({ text: "x" });
    assert.equal((await collect(createClient(EchoService, transport).bidi(iterable))).length, 1);
    assert.deepEqual(told, ["return"]);
  } finally {
    await transport.close();
    await peer.close();
  }
});

test("a second request message of a server-streaming call fails it", () =>
  withGlink(
    () => startConnectEcho(),
    {},
    async (transport) => {
      const requests = yielding({ count: 1_000, intervalMs: 5 }, { count: 1 });
      const { serverStream: method } = EchoService.method;
      const call = async () => {
        const response = await transport.stream(method, undefined, undefined, undefined, requests);
        return collect(response.message);
      };
      await assert.rejects(call(), connectError(Code.Unimplemented, /extra input message/));
    },
  ));

test("a request iterable of one message runs to its own end", () =>
  withGlink(
    () => startConnectEcho(),
    {},
    async (transport) => {
      let ended = false;
      async function* requests() {
        yield { count: 2 };
        ended = true;
      }
      const { serverStream: method } = EchoService.method;
      const response = await transport.stream(method, undefined, undefined, undefined, requests());
      assert.equal((await collect(response.message)).length, 2);
      assert.ok(ended);
    },
  ));

test("END_STREAM leaves with the only message of unary and server-streaming calls", async () => {
  const chunks: [string, number][] = [];
  const peer = await startOddPeer((stream, headers) => {
    const path = headers[":path"] as string;
    stream.on("data", (chunk: Buffer) => chunks.push([path.slice(path.lastIndexOf("/") + 1), chunk.length]));
    stream.once("end", () => {
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.end(framed(new Uint8Array(0)));
    });
  });
  const transport = glinkTransport({ baseUrl: `http://${peer.address}` });
  try {
    const client = createClient(EchoService, transport);
    await client.unary({ text: "abc" });
    await collect(client.serverStream({ text: "abc" }));
    assert.deepEqual(chunks, [
      ["Unary", 10],
      ["ServerStream", 10],
    ]);
  } finally {
    await transport.close();
    await peer.close();
  }
});

test("messages split over many DATA frames, and many in one, arrive the same", async () => {
  const { toBinary, create } = await import("@bufbuild/protobuf");
  const { ServerStreamResponseSchema } = await import("../../../proto/gen/glink/demo/v1/echo_pb.js");
  const bytes = Buffer.concat(
    Array.from({ length: 20 }, (_, index) =>
      framed(toBinary(ServerStreamResponseSchema, create(ServerStreamResponseSchema, { index, text: "t" }))),
    ),
  );
  const peer = await startOddPeer((stream, headers) => {
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    if (headers["x-slice"] === "all") return void stream.end(bytes);
    for (const byte of bytes) stream.write(Uint8Array.of(byte));
    stream.end();
  });
  const transport = glinkTransport({ baseUrl: `http://${peer.address}` });
  try {
    const client = createClient(EchoService, transport);
    for (const slice of ["all", "byte"]) {
      const messages = await collect(client.serverStream({}, { headers: { "x-slice": slice } }));
      assert.deepEqual(
        messages.map(({ index }) => index),
        Array.from({ length: 20 }, (_, i) => i),
      );
    }
  } finally {
    await transport.close();
    await peer.close();
  }
});

test("a response that cannot be read ends the stream after the good messages before it", async () => {
  const peer = await startOddPeer((stream) => {
    stream.respond({ ":status": 200, "content-type": "application/grpc" });
    stream.write(Buffer.concat([framed(new Uint8Array(0)), framed(Uint8Array.of(0xff))]));
    stream.write(framed(new Uint8Array(0)));
  });
  const transport = glinkTransport({ baseUrl: `http://${peer.address}` });
  try {
    const messages = (await serverStream(transport, {})).message[Symbol.asyncIterator]();
    assert.equal((await messages.next()).done, false);
    await assert.rejects(messages.next(), connectError(Code.Internal, /parse binary/));
    await assert.rejects(messages.next(), connectError(Code.Internal, /parse binary/));
    await until(() => peer.resets.length === 1, "the peer saw the reset");
    assert.deepEqual(peer.resets, [NGHTTP2_CANCEL]);
  } finally {
    await transport.close();
    await peer.close();
  }
});

test("a length prefix of 4 GB is refused before anything is stored", async () => {
  const peer = await startOddPeer((stream) => {
    stream.respond({ ":status": 200, "content-type": "application/grpc" });
    stream.write(Uint8Array.of(0, 0xff, 0xff, 0xff, 0xff));
  });
  const transport = glinkTransport({ baseUrl: `http://${peer.address}`, readMaxBytes: 1_000 });
  try {
    const client = createClient(EchoService, transport);
    await assert.rejects(client.unary({}), connectError(Code.ResourceExhausted, /4294967295 is larger .* 1000/));
    await until(() => peer.resets.length === 1, "the peer saw the reset");
  } finally {
    await transport.close();
    await peer.close();
  }
});

test("request iterables run in the caller's async context, whatever made room", () =>
  withGlink(
    () => startConnectEcho(),
    {},
    async (transport) => {
      const storage = new AsyncLocalStorage<number>();
      const client = createClient(EchoService, transport);
      const calls = Array.from({ length: 5 }, (_, i) =>
        storage.run(i, async () => {
          async function* requests() {
            for (let k = 0; k < 20; k++) {
              assert.equal(storage.getStore(), i);
              yield { payload: new Uint8Array(100_000) };
            }
          }
          assert.equal((await client.clientStream(requests())).count, 20);
        }),
      );
      await Promise.all(calls);
    },
  ));
