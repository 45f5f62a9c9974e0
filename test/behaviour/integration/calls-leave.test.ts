import assert from "node:assert/strict";
import type { ServerHttp2Stream } from "node:http2";
import { test } from "node:test";
import { Code, ConnectError, createClient, type Interceptor, type Transport } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { glinkTransport } from "../../../src/index.ts";
import { clientPassesReturnOn } from "../../support/connect-client.ts";
import { startConnectEcho } from "../../support/echo-server.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { servers, startOddPeer, until, withGlink } from "./calls-harness.ts";

checkForLeaks();

const endless = { count: 1_000_000, intervalMs: 1 };

/** The iterator of a stream's messages, as a Connect client gets it from the transport: 2.3 passes `return` and `throw` on. */
async function messagesOf(transport: Transport, request = endless) {
  async function* requests() {
    yield request;
  }
  const method = EchoService.method.serverStream;
  const { message } = await transport.stream(method, undefined, undefined, undefined, requests());
  return message[Symbol.asyncIterator]() as Required<AsyncIterator<{ index: number }>>;
}

for (const interceptors of [[], [passOn()]]) {
  const how = interceptors.length === 0 ? "without interceptors" : "with an interceptor";

  for (const { name, start } of servers) {
    test(`leaving a response stream cancels the call at once, and a second time does nothing: ${how}, ${name}`, () =>
      withGlink(start, { interceptors }, async (transport, backend) => {
        const messages = await messagesOf(transport);
        assert.equal((await messages.next()).value.index, 0);
        assert.deepEqual(await messages.return("left"), { done: true, value: "left" });
        assert.equal(transport.snapshot().openCalls, 0);
        await until(() => backend.counters.running === 0 && backend.counters.aborted === 1, "the server heard of it");
        assert.deepEqual(await messages.return(undefined), { done: true, value: undefined });
        assert.deepEqual(await messages.next(), { done: true, value: undefined });
        await assert.rejects(messages.throw(new Error("late")), { rawMessage: "late" });
        assert.equal(backend.counters.executions, 1);
      }));
  }

  test(`throwing into a response stream cancels the call, and comes back as a ConnectError: ${how}`, () =>
    withGlink(startConnectEcho, { interceptors }, async (transport, backend) => {
      const messages = await messagesOf(transport);
      await messages.next();
      const thrown = new ConnectError("enough", Code.DataLoss);
      await assert.rejects(messages.throw(thrown), (error) => error === thrown);
      assert.equal(transport.snapshot().openCalls, 0);
      await until(() => backend.counters.aborted === 1, "the server heard of it");
      assert.deepEqual(await messages.next(), { done: true, value: undefined });
    }));

  test(`whoever waits for a message when the stream is left hears of its end: ${how}`, () =>
    withGlink(
      () => startOddPeer(beginAndWait),
      { interceptors },
      async (transport) => {
        const messages = await messagesOf(transport);
        const waiting = messages.next();
        await messages.return(undefined);
        assert.equal((await waiting).done, true);
      },
    ));

  test(`a stream that was left after its end keeps nothing and fails nobody: ${how}`, () =>
    withGlink(startConnectEcho, { interceptors }, async (transport, backend) => {
      const messages = await messagesOf(transport, { count: 3, intervalMs: 0 });
      await messages.next();
      await until(() => backend.counters.running === 0 && transport.snapshot().openCalls === 0, "the call is over");
      await messages.return(undefined);
      assert.deepEqual(await messages.next(), { done: true, value: undefined });
    }));
}

/** A server that never gets to its first message. */
function beginAndWait(stream: ServerHttp2Stream): void {
  stream.respond({ ":status": 200, "content-type": "application/grpc+proto" });
}

/** An interceptor with an iterator of its own. */
function passOn(): Interceptor {
  return (next) => async (request) => {
    const response = await next(request);
    if (!response.stream) return response;
    const { message } = response;
    const iterator = message[Symbol.asyncIterator]();
    return { ...response, message: { [Symbol.asyncIterator]: () => ({ next: () => iterator.next() }) } };
  };
}

/** What a program sees that leaves a stream early: in its interceptors, in its request messages and at the end. */
async function leaving(transport: (interceptors: Interceptor[]) => Transport): Promise<string[]> {
  const seen: string[] = [];
  const interceptor: Interceptor = (next) => async (request) => {
    request.signal.addEventListener("abort", () => seen.push("the signal is aborted"));
    const response = await next(request);
    if (!response.stream) return response;
    const messages = (async function* () {
      try {
        for await (const message of response.message) yield message;
        seen.push("the interceptor reads to the end");
      } catch (error) {
        seen.push(`the interceptor fails: ${ConnectError.from(error).message}`);
      } finally {
        seen.push("the interceptor cleans up");
      }
    })();
    return { ...response, message: messages as typeof response.message };
  };
  let told = () => {};
  const requestsEnded = new Promise<void>((resolve) => {
    told = resolve;
  });
  const requests = (async function* () {
    try {
      for (let i = 0; ; i++) yield { text: `${i}` };
    } catch (error) {
      seen.push(`the requests fail: ${ConnectError.from(error).message}`);
    } finally {
      seen.push("the requests end");
      told();
    }
  })();
  const client = createClient(EchoService, transport([interceptor]));
  for await (const { text } of client.bidi(requests)) if (text === "2") break;
  seen.push("the loop is over");
  await requestsEnded;
  return seen.sort();
}

test("a program that leaves a stream early sees the same as with createGrpcTransport", async (t) => {
  if (!(await clientPassesReturnOn())) {
    t.skip("before Connect 2.3 the client tells no transport that a stream was left");
    return;
  }
  const backend = await startConnectEcho();
  const baseUrl = `http://${backend.address}`;
  const glink: { close(): Promise<void> }[] = [];
  try {
    const expected = await leaving((interceptors) => createGrpcTransport({ baseUrl, interceptors }));
    const actual = await leaving((interceptors) => {
      const transport = glinkTransport({ baseUrl, interceptors });
      glink.push(transport);
      return transport;
    });
    assert.deepEqual(actual, expected);
    assert.ok(actual.includes("the interceptor reads to the end"));
    await until(() => backend.counters.running === 0, "the handlers ended");
  } finally {
    for (const transport of glink) await transport.close();
    await backend.close();
  }
});

test("an interceptor that never stops does not keep whoever leaves the stream waiting", () => {
  const endlessly: Interceptor = (next) => async (request) => {
    const response = await next(request);
    const messages = (async function* () {
      for (;;) {
        await new Promise(setImmediate);
        yield {};
      }
    })();
    return { ...response, message: messages } as typeof response;
  };
  return withGlink(startConnectEcho, { interceptors: [endlessly] }, async (transport, backend) => {
    const messages = await messagesOf(transport);
    await messages.next();
    await messages.return(undefined);
    await until(() => backend.counters.aborted === 1, "the server heard of it");
  });
});
