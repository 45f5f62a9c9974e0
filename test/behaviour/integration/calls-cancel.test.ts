import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { constants } from "node:http2";
import { test } from "node:test";
import { Code, createClient, createContextValues } from "@connectrpc/connect";
import { compressionGzip } from "@connectrpc/connect-node";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { glinkCall } from "../../../src/index.ts";
import { startConnectEcho } from "../../support/echo-server.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { glinkTransport } from "../../support/transport.ts";
import { collect, connectError, servers, startOddPeer, until, withGlink, yielding } from "./calls-harness.ts";

checkForLeaks();

const { NGHTTP2_CANCEL } = constants;

for (const { name: server, start } of servers) {
  test(`a deadline ends calls of every kind, and the server hears of it: ${server}`, () =>
    withGlink(start, {}, async (transport, backend) => {
      await transport.ready();
      const client = createClient(EchoService, transport);
      const behavior = { delayMs: 60_000 };
      const options = { timeoutMs: 150 };
      const late = connectError(Code.DeadlineExceeded);
      await Promise.all([
        assert.rejects(client.unary({ behavior }, options), late),
        assert.rejects(collect(client.serverStream({ count: 1, behavior }, options)), late),
        assert.rejects(client.clientStream(yielding({ behavior }), options), late),
        assert.rejects(collect(client.bidi(yielding({ behavior }), options)), late),
      ]);
      await until(() => backend.counters.running === 0 && backend.counters.aborted >= 1, "the handlers ended");
      assert.equal(transport.snapshot().openCalls, 0);
    }));

  test(`an abort ends calls of every kind, and the server hears of it: ${server}`, () =>
    withGlink(start, {}, async (transport, backend) => {
      const client = createClient(EchoService, transport);
      const behavior = { delayMs: 60_000 };
      const controller = new AbortController();
      const options = { signal: controller.signal };
      const calls = [
        client.unary({ behavior }, options),
        collect(client.serverStream({ count: 1, behavior }, options)),
        client.clientStream(yielding({ behavior }), options),
        collect(client.bidi(yielding({ behavior }), options)),
      ];
      const rejected = calls.map((call) => assert.rejects(call, connectError(Code.Canceled, /enough/)));
      await until(() => backend.counters.executions === 4, "the server has all calls");
      controller.abort(new Error("enough"));
      await Promise.all(rejected);
      await until(() => backend.counters.aborted === 4, "the server heard of all aborts");
      assert.equal(getEventListeners(controller.signal, "abort").length, 0);
    }));
}

test("timeoutMs 0 or less means none, and large ones neither fire early nor overflow their header", () =>
  withGlink(
    () => startConnectEcho(),
    { defaultTimeoutMs: 60_000 },
    async (transport) => {
      const client = createClient(EchoService, transport);
      const timeout = async (timeoutMs?: number) =>
        (await client.unary({}, timeoutMs === undefined ? {} : { timeoutMs })).served?.timeout ?? "";
      assert.match(await timeout(), /^(60000|5\d{4})m$/);
      for (const none of [0, -1, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]) {
        assert.equal(await timeout(none), "");
      }
      assert.match(await timeout(5_000), /^[45]\d{3}m$/);
      assert.match(await timeout(2 ** 31), /^214748[34]S$/);
      assert.match(await timeout(1e9), /^(1000000|999999)S$/);
      await assert.rejects(
        client.unary({ behavior: { delayMs: 5_000 } }, { timeoutMs: 1 }),
        connectError(Code.DeadlineExceeded),
      );
    },
  ));

test("defaultTimeoutMs ends a call that names no timeout", () =>
  withGlink(
    () => startConnectEcho(),
    { defaultTimeoutMs: 100 },
    async (transport) => {
      const call = createClient(EchoService, transport).unary({ behavior: { delayMs: 60_000 } });
      await assert.rejects(call, connectError(Code.DeadlineExceeded));
    },
  ));

test("a signal that is aborted before the call, or in its tick, keeps it from the server", () =>
  withGlink(
    () => startConnectEcho(),
    {},
    async (transport, backend) => {
      const client = createClient(EchoService, transport);
      const canceled = connectError(Code.Canceled, /never mind/);
      // First: on a connection that is ready the request leaves at once.
      const controller = new AbortController();
      const call = client.unary({}, { signal: controller.signal });
      controller.abort(new Error("never mind"));
      await assert.rejects(call, canceled);

      const before = AbortSignal.abort(new Error("never mind"));
      await assert.rejects(client.unary({}, { signal: before }), canceled);
      await assert.rejects(collect(client.serverStream({ count: 1 }, { signal: before })), canceled);
      await assert.rejects(client.clientStream(yielding({}), { signal: before }), canceled);
      await assert.rejects(collect(client.bidi(yielding({}), { signal: before })), canceled);
      // A call that succeeds afterwards proves that nothing of the others is on its way.
      await client.unary({});
      assert.equal(backend.counters.executions, 1);
    },
  ));

test("an abort while a request is compressed keeps it from the server", () => {
  let compressing: () => void = () => undefined;
  const slow = {
    ...compressionGzip,
    compress: (bytes: Uint8Array) =>
      new Promise<Uint8Array<ArrayBuffer>>((resolve) => {
        compressing = () => resolve(new Uint8Array(bytes));
      }),
  };
  const options = { sendCompression: slow, compressMinBytes: 0 };
  return withGlink(
    () => startConnectEcho(),
    options,
    async (transport, backend) => {
      const controller = new AbortController();
      const call = createClient(EchoService, transport).unary({ text: "x" }, { signal: controller.signal });
      controller.abort();
      await assert.rejects(call, connectError(Code.Canceled));
      compressing();
      await transport.close();
      assert.equal(backend.counters.executions, 0);
    },
  );
});

test("an abort after the end has no effect", () =>
  withGlink(
    () => startConnectEcho(),
    {},
    async (transport) => {
      const controller = new AbortController();
      const client = createClient(EchoService, transport);
      const { text } = await client.unary({ text: "kept" }, { signal: controller.signal });
      controller.abort();
      assert.equal(text, "kept");
      await client.unary({});
    },
  ));

test("an abort in the middle of a stream ends it at once, and resets it with CANCEL", async () => {
  const peer = await startOddPeer((stream) => {
    stream.respond({ ":status": 200, "content-type": "application/grpc" });
    stream.write(new Uint8Array(5));
  });
  const transport = glinkTransport({ baseUrl: `http://${peer.address}` });
  try {
    const controller = new AbortController();
    const messages = createClient(EchoService, transport).serverStream({}, { signal: controller.signal });
    const iterator = messages[Symbol.asyncIterator]();
    assert.equal((await iterator.next()).done, false);
    const pending = iterator.next();
    controller.abort();
    await assert.rejects(pending, connectError(Code.Canceled));
    await until(() => peer.resets.length === 1, "the peer saw the reset");
    assert.deepEqual(peer.resets, [NGHTTP2_CANCEL]);
  } finally {
    await transport.close();
    await peer.close();
  }
});

test("one long-lived signal over thousands of calls collects no listeners and prints no warning", () =>
  withGlink(
    () => startConnectEcho(),
    {},
    async (transport) => {
      const warnings: Error[] = [];
      const onWarning = (warning: Error) => warnings.push(warning);
      process.on("warning", onWarning);
      const { signal } = new AbortController();
      const client = createClient(EchoService, transport);
      const intercepted = glinkTransport({
        baseUrl: transport.snapshot().target,
        interceptors: [(next) => (request) => next(request)],
      });
      try {
        const second = createClient(EchoService, intercepted);
        for (let round = 0; round < 10; round++) {
          await Promise.all(Array.from({ length: 200 }, () => client.unary({}, { signal, timeoutMs: 60_000 })));
          await Promise.all(Array.from({ length: 20 }, () => second.unary({}, { signal })));
          assert.equal(getEventListeners(signal, "abort").length, 0);
        }
        assert.deepEqual(warnings, []);
      } finally {
        await intercepted.close();
        process.off("warning", onWarning);
      }
    },
  ));

test("a bad call option fails that call with InvalidArgument and names the option", () =>
  withGlink(
    () => startConnectEcho(),
    {},
    async (transport) => {
      const client = createClient(EchoService, transport);
      const contextValues = createContextValues().set(glinkCall, { retry: { maxAttempts: 0 } });
      const invalid = connectError(Code.InvalidArgument, /retry\.maxAttempts must be an integer from 1 to 100, not 0/);
      await assert.rejects(client.unary({}, { contextValues }), invalid);
      await assert.rejects(collect(client.serverStream({ count: 1 }, { contextValues })), invalid);
      await client.unary({});
      assert.equal(transport.snapshot().openCalls, 0);
    },
  ));

test("a timeoutMs that is no number fails that call with InvalidArgument, and does not run without a deadline", () =>
  withGlink(
    () => startConnectEcho(),
    { defaultTimeoutMs: 60_000 },
    async (transport, backend) => {
      const client = createClient(EchoService, transport);
      for (const timeoutMs of [Number.NaN, "1000" as unknown as number]) {
        const invalid = connectError(Code.InvalidArgument, /timeoutMs must be a number of milliseconds .*, not /);
        await assert.rejects(client.unary({}, { timeoutMs }), invalid);
        await assert.rejects(collect(client.serverStream({ count: 1 }, { timeoutMs })), invalid);
      }
      assert.equal(backend.counters.executions, 0);
      assert.equal(transport.snapshot().callsStarted, 0);
    },
  ));

test("retry, waitForReady and onAttempt of a single call", () =>
  withGlink(
    () => startConnectEcho(),
    { retry: false },
    async (transport, backend) => {
      const client = createClient(EchoService, transport);
      const attempts: [number, Code | undefined, string | undefined][] = [];
      const contextValues = createContextValues().set(glinkCall, {
        retry: { maxAttempts: 2, initialBackoffMs: 1 },
        waitForReady: true,
        onAttempt: ({ attempt, code, address }) => attempts.push([attempt, code, address]),
      });
      await client.unary({ behavior: { failCode: 14, failAttempts: 1, requestId: "own" } }, { contextValues });
      assert.deepEqual(attempts, [
        [1, Code.Unavailable, backend.address],
        [2, undefined, backend.address],
      ]);
      await assert.rejects(client.unary({ behavior: { failCode: 14, failAttempts: 1, requestId: "not" } }));
    },
  ));

test("messages and headers changed after the call began do not change the call, nor its retry", () =>
  withGlink(
    () => startConnectEcho(),
    { sendCompression: compressionGzip, compressMinBytes: 0 },
    async (transport) => {
      const client = createClient(EchoService, transport);
      const headers = new Headers({ "x-echo-value": "before" });
      const request = { text: "before", behavior: { failCode: 14, failAttempts: 1, requestId: "changed" } };
      let echoed: string | null = null;
      const onHeader = (header: Headers) => {
        echoed = header.get("x-echo-value");
      };
      const call = client.unary(request, { headers, onHeader });
      request.text = "after";
      headers.set("x-echo-value", "after");
      assert.equal((await call).text, "before");
      assert.equal(echoed, "before");
    },
  ));

test("a call begun in another call's header callback goes through", () =>
  withGlink(
    () => startConnectEcho(),
    {},
    async (transport) => {
      const client = createClient(EchoService, transport);
      let inner: Promise<{ text: string }> | undefined;
      const onHeader = () => {
        inner = client.unary({ text: "inner" });
      };
      await client.unary({}, { onHeader });
      assert.equal((await inner)?.text, "inner");
      const throwing = () => {
        throw new Error("bad callback");
      };
      await assert.rejects(client.unary({}, { onHeader: throwing }), /bad callback/);
      await client.unary({});
    },
  ));
