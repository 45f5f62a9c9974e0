// What a user's own tests do with glink: an ES module for runners that understand them, turned into CommonJS by run.ts
// for those that do not. `expect`, `test` and the fake `timers` are the runner's.
import { createServer } from "node:http2";
import { Code, ConnectError, createClient, createContextValues } from "@connectrpc/connect";
import { compressionGzip, connectNodeAdapter } from "@connectrpc/connect-node";
import { glinkCall, glinkTransport, staticResolver } from "glink";
import { expectQuiet, manualResolver, recordEvents } from "glink/testing";
import { EchoService } from "./echo_pb.js";

const payload = new Uint8Array(4_096).fill(7);

/** Handlers of a user's own server. */
function routes(name) {
  return (router) =>
    router.service(EchoService, {
      unary(request, context) {
        const { failCode = 0, failMessage } = request.behavior ?? {};
        if (failCode !== 0) throw new ConnectError(failMessage, failCode);
        context.responseTrailer.set("x-backend", name);
        return { text: request.text, payload: request.payload, served: { backend: name } };
      },
      async *serverStream(request, context) {
        for (let index = 0; index < request.count; index++) yield { index };
        if (request.text === "and wait") await ended(context.signal);
      },
      async unaryIdempotent(_, context) {
        await ended(context.signal);
        return {};
      },
    });
}

/** Resolves when the client has given the call up. */
function ended(signal) {
  return new Promise((resolve) => signal.addEventListener("abort", resolve));
}

async function startServer(name) {
  const sessions = new Set();
  const server = createServer(connectNodeAdapter({ routes: routes(name) }));
  server.on("session", (session) => sessions.add(session));
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    address: `127.0.0.1:${server.address().port}`,
    close() {
      for (const session of sessions) session.destroy();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Runs `use` with a client of two servers, and closes everything. */
async function withClient(options, use) {
  const servers = [await startServer("one"), await startServer("two")];
  const resolver = staticResolver(servers.map(({ address }) => address));
  const transport = glinkTransport({ baseUrl: "http://echo.test", resolver, ...options });
  try {
    await use(createClient(EchoService, transport), transport, servers);
  } finally {
    await transport.close();
    for (const server of servers) await server.close();
  }
}

function errorOf(call) {
  return call.then(
    () => {
      throw new Error("the call succeeded");
    },
    (error) => error,
  );
}

test("calls are spread over both servers", () =>
  withClient({}, async (client, transport, servers) => {
    await transport.ready();
    const backends = new Set();
    for (let i = 0; i < 20; i++) backends.add((await client.unary({ text: "hello" })).served.backend);
    expect([...backends].sort()).toEqual(["one", "two"]);
    const { subchannels } = transport.snapshot();
    expect(subchannels.map(({ address }) => address).sort()).toEqual(servers.map(({ address }) => address).sort());
  }));

test("messages are compressed both ways", () =>
  withClient({ sendCompression: compressionGzip }, async (client) => {
    const response = await client.unary({ text: "hello", payload });
    expect(Array.from(response.payload)).toEqual(Array.from(payload));
  }));

test("headers are sent and trailers are read", () =>
  withClient({ interceptors: [(next) => (request) => next(request)] }, async (client) => {
    let backend;
    const onTrailer = (trailer) => {
      backend = trailer.get("x-backend");
    };
    await client.unary({ text: "hello" }, { headers: { "x-request": "1" }, onTrailer });
    expect(["one", "two"]).toContain(backend);
  }));

test("a server's status is a ConnectError", () =>
  withClient({}, async (client) => {
    const error = await errorOf(client.unary({ behavior: { failCode: Code.NotFound, failMessage: "no such thing" } }));
    expect(error).toBeInstanceOf(ConnectError);
    expect([error.code, error.rawMessage]).toEqual([Code.NotFound, "no such thing"]);
  }));

test("a deadline and an abort end calls", () =>
  withClient({}, async (client) => {
    const late = await errorOf(client.unaryIdempotent({}, { timeoutMs: 50 }));
    expect([late.code, late.rawMessage]).toEqual([Code.DeadlineExceeded, expect.stringContaining("timed out")]);
    const controller = new AbortController();
    const aborted = errorOf(client.unaryIdempotent({}, { signal: controller.signal }));
    setTimeout(() => controller.abort(), 20);
    expect((await aborted).code).toBe(Code.Canceled);
  }));

test("a stream is read, and left early", () =>
  withClient({}, async (client, transport) => {
    const indices = [];
    for await (const { index } of client.serverStream({ count: 3 })) indices.push(index);
    expect(indices).toEqual([0, 1, 2]);
    for await (const { index } of client.serverStream({ count: 3, text: "and wait" })) if (index === 1) break;
    await transport.close({ timeoutMs: 0 });
  }));

test("a call's own options reach it", () =>
  withClient({}, async (client) => {
    const reports = [];
    const contextValues = createContextValues().set(glinkCall, { retry: false, onAttempt: (one) => reports.push(one) });
    const behavior = { failCode: Code.Unavailable, failMessage: "not now" };
    await errorOf(client.unary({ behavior }, { contextValues }));
    expect(reports.map(({ attempt, code }) => [attempt, code])).toEqual([[1, Code.Unavailable]]);
  }));

test("a refused connection says what Node said", async () => {
  const server = await startServer("gone");
  await server.close();
  const transport = glinkTransport({ baseUrl: `http://${server.address}`, retry: false });
  const error = await errorOf(createClient(EchoService, transport).unary({}));
  expect(error.code).toBe(Code.Unavailable);
  expect(error.rawMessage).toContain(`cannot connect: connect ECONNREFUSED ${server.address}`);
  await transport.close();
});

test("under the runner's fake timers a call is answered, and its deadline follows the ticks", () =>
  withClient({}, async (client) => {
    timers.useFakeTimers();
    try {
      expect((await client.unary({ text: "hello" })).text).toBe("hello");
      const late = errorOf(client.unaryIdempotent({}, { timeoutMs: 60_000 }));
      timers.advanceTimersByTime(60_000);
      expect((await late).code).toBe(Code.DeadlineExceeded);
    } finally {
      timers.useRealTimers();
    }
  }));

test("a transport on node:http2 follows a test's own answers, and leaves nothing behind", () =>
  expectQuiet(async () => {
    const servers = [await startServer("one"), await startServer("two")];
    const [one, two] = servers.map(({ address }) => address);
    const resolver = manualResolver(one);
    const transport = glinkTransport({ baseUrl: "http://echo.test", resolver, http2: "node" });
    const events = recordEvents(transport);
    const client = createClient(EchoService, transport);
    expect((await client.unary({})).served.backend).toBe("one");
    resolver.answer(two);
    const { removed } = await events.until("pool-updated", (event) => event.removed.length > 0);
    expect(removed).toEqual([one]);
    expect((await client.unary({})).served.backend).toBe("two");
    await transport.close();
    for (const server of servers) await server.close();
  }));

test("a transport that was not closed is heard of", () =>
  withClient({}, async (_client, _transport, servers) => {
    const kept = glinkTransport({ baseUrl: `http://${servers[0].address}` });
    const error = await errorOf(expectQuiet(() => kept.ready()));
    expect(error.message).toMatch(/glink left \d+ open: /);
    await kept.close();
  }));

test("a wrong option is a TypeError that names it", () => {
  expect(() => glinkTransport({ baseUrl: "http://echo.test", retry: true })).toThrow(
    /retry must be false or an object/,
  );
});
