import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer as createHttp2Server, type ServerHttp2Stream } from "node:http2";
import { type AddressInfo, createServer, type Server } from "node:net";
import { type TestContext, test } from "node:test";
import { type CallOptions, Code, createClient } from "@connectrpc/connect";
import { EchoService } from "../../proto/gen/glink/demo/v1/echo_pb.js";
import {
  type FailureKind,
  type GlinkTransportOptions,
  glinkFailureOf,
  glinkTransport,
  pickFromReady,
} from "../../src/index.ts";
import { manualClock, manualResolver, recordEvents, startBackends, testTransport } from "../../src/testing/index.ts";
import { checkForLeaks } from "../support/leaks.ts";
import { constantRandom } from "../support/random.ts";

checkForLeaks();

/** Why no call fails in this way, or a call that does. */
type Provocation = { readonly unseen: string } | ((t: TestContext) => Promise<unknown>);

const never = Number.POSITIVE_INFINITY;

/** A backend, a client on a clock of its own that repeats nothing, and a call. */
async function scene(t: TestContext, options: Partial<GlinkTransportOptions> = {}) {
  const clock = manualClock();
  const backends = await startBackends(1, (router) => router.service(EchoService, { unary: ({ text }) => ({ text }) }));
  const [backend] = backends;
  const resolver = manualResolver(...backends.addresses);
  const transport = testTransport(
    { baseUrl: "http://echo.test", resolver, retry: false, ...options },
    { clock, random: constantRandom(0.01) },
  );
  t.after(async () => {
    const closed = transport.close({ timeoutMs: 0 });
    await clock.advance(1);
    await closed;
    await backends.close();
  });
  const client = createClient(EchoService, transport);
  const call = (callOptions?: CallOptions) => client.unary({ text: "x".repeat(100) }, callOptions);
  /** A call that nobody answers, once it has come. */
  const keptCall = (callOptions?: CallOptions) => {
    backend.delay(never);
    const kept = call(callOptions);
    // Whoever awaits it comes later.
    kept.catch(() => undefined);
    return kept;
  };
  /** Why a connection could not be made; calls have another reason yet. */
  const dialError = () => {
    call().catch(() => undefined);
    return recordEvents(transport)
      .until("connect-failed")
      .then(({ error }) => Promise.reject(error));
  };
  return { clock, backend, resolver, transport, call, keptCall, dialError };
}

/** The call of a client whose only backend is at this address. */
async function callTo(t: TestContext, address: string, options: Partial<GlinkTransportOptions> = {}) {
  const { call } = await scene(t, { resolver: manualResolver(address), ...options });
  return call();
}

/** A server that answers every call in the same way of its own. */
async function answer(t: TestContext, answering: (stream: ServerHttp2Stream) => void): Promise<unknown> {
  return callTo(t, await listen(t, createHttp2Server().on("stream", answering)));
}

/** The address of a server that stops listening with its test. */
async function listen(t: TestContext, server: Server): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => void server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function unusedAddress(): Promise<string> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return `127.0.0.1:${port}`;
}

/** DATA on stream 0, behind SETTINGS: what RFC 9113 §6.1 calls a connection error. */
const brokenFrames = Buffer.from("000000040000000000" + "000000000000000000", "hex");

const dropEverything = pickFromReady("drop-everything", () => ({ pick: () => ({ drop: "closed on Sundays" }) }));

const provocations: Record<FailureKind, Provocation> = {
  "name-resolution": async (t) => {
    const { call, resolver } = await scene(t);
    resolver.fail(new Error("no such name"));
    return call();
  },
  "no-backend": async (t) => {
    const { call, backend } = await scene(t);
    await backend.kill();
    await call().catch(() => undefined);
    return call();
  },
  dropped: async (t) => (await scene(t, { loadBalancing: dropEverything })).call(),
  dial: async (t) => {
    const { backend, dialError } = await scene(t);
    await backend.kill();
    return dialError();
  },
  "connect-timeout": async (t) => {
    const { backend, clock, dialError } = await scene(t, { connectTimeoutMs: 1_000 });
    backend.mute();
    const failed = dialError();
    failed.catch(() => undefined);
    await clock.advance(1_000);
    return failed;
  },
  proxy: async (t) => {
    const { dialError } = await scene(t, { proxy: `http://${await unusedAddress()}` });
    return dialError();
  },
  "connection-lost": async (t) => {
    const { keptCall, backend } = await scene(t);
    const kept = keptCall();
    await backend.nextCall();
    await backend.kill();
    return kept;
  },
  "connection-error": async (t) => {
    const server = createServer((socket) => {
      socket.on("error", () => undefined);
      // The first bytes are the preface and SETTINGS; the call follows.
      socket.write(brokenFrames.subarray(0, 9));
      socket.on("data", (bytes) => bytes.includes("EchoService") && socket.write(brokenFrames.subarray(9)));
    });
    return callTo(t, await listen(t, server));
  },
  goaway: async (t) => {
    const { keptCall, backend } = await scene(t);
    const kept = keptCall();
    await backend.nextCall();
    backend.goaway({ http2Code: 2 });
    return kept;
  },
  "ping-timeout": async (t) => {
    const { keptCall, backend, clock } = await scene(t);
    const kept = keptCall();
    await backend.nextCall();
    backend.mute();
    await clock.advance(120_000);
    return kept;
  },
  "no-streams": async (t) => {
    const server = createHttp2Server({ settings: { maxConcurrentStreams: 0 } });
    const { dialError } = await scene(t, { resolver: manualResolver(await listen(t, server)) });
    return dialError();
  },
  idle: { unseen: "only a connection without calls is closed for want of them" },
  "drain-timeout": async (t) => {
    const { keptCall, backend, clock, resolver } = await scene(t, { drainTimeoutMs: 1_000 });
    const kept = keptCall();
    await backend.nextCall();
    const others = await startBackends(1, (router) => router.service(EchoService, {}));
    t.after(() => others.close());
    resolver.answer(...others.addresses);
    await clock.advance(2_000);
    return kept;
  },
  "stream-reset": async (t) => {
    const { call, backend } = await scene(t);
    backend.resetStreams();
    return call();
  },
  status: async (t) => {
    const { call, backend } = await scene(t);
    backend.status(Code.NotFound);
    return call();
  },
  "http-status": (t) =>
    answer(t, (stream) => {
      stream.respond({ ":status": 503, "content-type": "text/html" });
      stream.end("<h1>busy</h1>");
    }),
  protocol: (t) =>
    answer(t, (stream) => {
      stream.respond({ ":status": 200, "content-type": "application/grpc+thrift" });
      stream.end();
    }),
  "message-size": async (t) => (await scene(t, { readMaxBytes: 10 })).call(),
  encoding: (t) =>
    answer(t, (stream) => {
      const headers = { ":status": 200, "content-type": "application/grpc+proto", "grpc-encoding": "zstd" };
      stream.respond(headers, { waitForTrailers: true });
      stream.once("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.end(Buffer.from("010000000100", "hex"));
    }),
  deadline: async (t) => {
    const { keptCall, backend, clock } = await scene(t);
    const kept = keptCall({ timeoutMs: 60_000 });
    await backend.nextCall();
    await clock.advance(60_000);
    return kept;
  },
  "attempt-timeout": async (t) => {
    const { keptCall, backend, clock } = await scene(t, { retry: { maxAttempts: 1, perAttemptTimeoutMs: 500 } });
    const kept = keptCall();
    await backend.nextCall();
    await clock.advance(500);
    return kept;
  },
  canceled: async (t) => (await scene(t)).call({ signal: AbortSignal.abort("enough") }),
  closed: async (t) => {
    const { call, transport } = await scene(t);
    await transport.close();
    return call();
  },
  "queue-full": async (t) => {
    const { call } = await scene(t, { resolver: manualResolver(), maxQueuedCalls: 1 });
    // It waits for a name that nobody resolves, until the transport is closed.
    call().catch(() => undefined);
    return call();
  },
  "too-many-calls": async (t) => {
    const { keptCall, call, backend } = await scene(t, { maxOpenCalls: 1 });
    keptCall();
    await backend.nextCall();
    return call();
  },
  "not-admitted": async (t) => {
    const { call, backend } = await scene(t, { admission: { minPerSecond: 0 } });
    backend.status(Code.ResourceExhausted);
    for (let i = 0; i < 5; i++) await call().catch(() => undefined);
    return call();
  },
  "invalid-request": async (t) => (await scene(t)).call({ timeoutMs: Number.NaN }),
};

for (const [kind, provocation] of Object.entries(provocations)) {
  if (typeof provocation !== "function") {
    test(`no call fails as ${kind}: ${provocation.unseen}`, { skip: "by design" }, () => undefined);
    continue;
  }
  test(`a call fails as ${kind}, and its error says so`, async (t) => {
    const reason: unknown = await provocation(t).then(
      () => assert.fail("the call succeeded"),
      (error: unknown) => error,
    );
    const fact = glinkFailureOf(reason) ?? (reason as { kind?: FailureKind });
    assert.equal(fact.kind, kind, String(reason));
  });
}

test("a call's error is known through those that were made of it", async (t) => {
  const transport = glinkTransport({ baseUrl: "http://echo.test", resolver: manualResolver() });
  t.after(() => transport.close());
  await transport.close();
  const error = await createClient(EchoService, transport)
    .unary({})
    .catch((reason: unknown) => reason);
  assert.equal(glinkFailureOf(new Error("cannot order", { cause: error }))?.docs, "docs/errors.md#closed");
});
