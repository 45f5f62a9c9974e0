import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer as createHttp2Server, type ServerHttp2Stream } from "node:http2";
import { type AddressInfo, createServer, type Server } from "node:net";
import { type TestContext, test } from "node:test";
import { gzipSync } from "node:zlib";
import { type CallOptions, Code, createClient, createContextValues, type Interceptor } from "@connectrpc/connect";
import { EchoService } from "../../proto/gen/glink/demo/v1/echo_pb.js";
import {
  type FailureKind,
  type GlinkTransportOptions,
  glinkCall,
  glinkFailureOf,
  glinkTransport,
  pickFromReady,
} from "../../src/index.ts";
import { manualClock, manualResolver, recordEvents, startBackends, testTransport } from "../../src/testing/index.ts";
import { beginsWith, isInSources, quotedMessages } from "../support/error-document.ts";
import { checkForLeaks } from "../support/leaks.ts";
import { constantRandom } from "../support/random.ts";

checkForLeaks();

/** A call that fails in a way. */
type Provocation = (t: TestContext) => Promise<unknown>;

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
  return { clock, backend, resolver, transport, client, call, keptCall, dialError };
}

/** The call of a client whose only backend is at this address. */
async function callTo(t: TestContext, address: string, options: Partial<GlinkTransportOptions> = {}) {
  const { call } = await scene(t, { resolver: manualResolver(address), ...options });
  return call();
}

/** A server that answers every call in the same way of its own. */
async function answer(
  t: TestContext,
  answering: (stream: ServerHttp2Stream) => void,
  options: Partial<GlinkTransportOptions> = {},
): Promise<unknown> {
  return callTo(t, await listen(t, createHttp2Server().on("stream", answering)), options);
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

interface RawMessage {
  readonly flag?: number;
  readonly bytes: Uint8Array;
  readonly encoding?: string;
  readonly format?: "proto" | "json";
}

/** Answers as a server of gRPC does, with one message that is as it is. */
function respondWith({ flag = 0, bytes, encoding, format = "proto" }: RawMessage) {
  const fields = encoding === undefined ? {} : { "grpc-encoding": encoding };
  const prefix = Buffer.from([flag, 0, 0, bytes.length >> 8, bytes.length & 255]);
  return (stream: ServerHttp2Stream) => {
    const headers = { ":status": 200, "content-type": `application/grpc+${format}`, ...fields };
    stream.respond(headers, { waitForTrailers: true });
    stream.once("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.end(Buffer.concat([prefix, bytes]));
  };
}

/** No message of any kind: a field that says it is longer than what there is. */
const unparsable = Buffer.from("0aff", "hex");

/** Ways to fail so, or why no call does. */
const provocations: Record<FailureKind, Provocation | readonly Provocation[] | { readonly unseen: string }> = {
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
    const { backend, clock, transport, dialError } = await scene(t, { connectTimeoutMs: 1_000 });
    backend.mute();
    const failed = dialError();
    failed.catch(() => undefined);
    await recordEvents(transport).until("subchannel-state", ({ to }) => to === "connecting");
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
  protocol: [
    (t) =>
      answer(t, (stream) => {
        stream.respond({ ":status": 200, "content-type": "application/grpc+thrift" });
        stream.end();
      }),
    (t) => answer(t, respondWith({ flag: 16, bytes: unparsable })),
    (t) => answer(t, respondWith({ flag: 1, bytes: gzipSync(unparsable) })),
  ],
  "message-size": [
    async (t) => (await scene(t, { readMaxBytes: 10 })).call(),
    (t) =>
      answer(t, respondWith({ flag: 1, bytes: gzipSync(Buffer.alloc(1_000)), encoding: "gzip" }), {
        readMaxBytes: 100,
      }),
  ],
  encoding: [
    (t) => answer(t, respondWith({ flag: 1, bytes: unparsable, encoding: "zstd" })),
    (t) => answer(t, respondWith({ flag: 1, bytes: unparsable, encoding: "gzip" })),
  ],
  "invalid-response": [
    (t) => answer(t, respondWith({ bytes: unparsable })),
    (t) => answer(t, respondWith({ bytes: unparsable, format: "json" }), { useBinaryFormat: false }),
  ],
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
  "invalid-request": [
    async (t) => (await scene(t)).call({ timeoutMs: Number.NaN }),
    async (t) => (await scene(t)).call({ signal: {} as AbortSignal }),
    async (t) => (await scene(t)).call({ headers: [["x y", "1"]] }),
    async (t) => (await scene(t)).call({ headers: { "x-y": "\u0001" } }),
    async (t) =>
      (await scene(t)).call({ contextValues: createContextValues().set(glinkCall, { hashKey: 7 as never }) }),
    async (t) => (await scene(t, { writeMaxBytes: 10 })).call(),
    async (t) => (await scene(t)).client.unary({ behavior: { delayMs: "soon" as never } }),
    async (t) => (await scene(t, { useBinaryFormat: false })).client.unary({ behavior: { delayMs: "soon" as never } }),
    async (t) => {
      const changing: Interceptor = (next) => (request) => next({ ...request, url: "http://elsewhere.test/" });
      return (await scene(t, { interceptors: [changing] })).call();
    },
  ],
};

/** What docs/errors.md quotes, and a call failed with. */
const seen = new Set<string>();

for (const [kind, provocation] of Object.entries(provocations)) {
  if ("unseen" in provocation) {
    test(`no call fails as ${kind}: ${provocation.unseen}`, { skip: "by design" }, () => undefined);
    continue;
  }
  for (const [i, provoke] of [provocation].flat().entries()) {
    test(`a call fails as ${kind}, and its error says so in words that docs/errors.md has for it (${i + 1})`, async (t) => {
      const reason: unknown = await provoke(t).then(
        () => assert.fail("the call succeeded"),
        (error: unknown) => error,
      );
      const fact = glinkFailureOf(reason) ?? (reason as { kind?: FailureKind });
      assert.equal(fact.kind, kind, String(reason));
      const { rawMessage, message } = reason as { rawMessage?: string; message: string };
      const quoted = quotedMessages(kind);
      const said = quoted.filter((text) => beginsWith(rawMessage ?? message, text));
      assert.ok(quoted.length === 0 || said.length > 0, `${rawMessage ?? message} is none of: ${quoted.join(", ")}`);
      for (const text of said) seen.add(text);
    });
  }
}

test("every message that docs/errors.md quotes was one of these, or is one that the sources write", () => {
  const quoted = Object.keys(provocations).flatMap(quotedMessages);
  assert.ok(quoted.length > 40);
  assert.deepEqual(
    quoted.filter((text) => !seen.has(text) && !isInSources(text)),
    [],
  );
});

test("what is wrong with a response comes with its backend and its attempts, and what is wrong with a request with neither", async (t) => {
  const address = await listen(t, createHttp2Server().on("stream", respondWith({ bytes: unparsable })));
  for (const options of [{}, { hedging: { delayMs: 60_000 } }]) {
    const { client } = await scene(t, { resolver: manualResolver(address), ...options });
    const read = { progress: "unknown", attempts: 1, address, note: undefined };
    const unreadable = { kind: "invalid-response", ...read, docs: "docs/errors.md#invalid-response" };
    assert.deepEqual(await failureOf(client.unary({})), unreadable);
    assert.deepEqual(await failureOf(firstOf(client.serverStream({ count: 1 }))), unreadable);
  }
  const { client } = await scene(t, { writeMaxBytes: 10 });
  const written = { progress: "unsent", attempts: 0, address: undefined, note: undefined };
  const unsendable = { kind: "invalid-request", ...written, docs: "docs/errors.md#invalid-request" };
  assert.deepEqual(await failureOf(client.unary({ text: "more than ten" })), unsendable);
});

function failureOf(work: Promise<unknown>) {
  return work.then(() => assert.fail("it succeeded"), glinkFailureOf);
}

async function firstOf<T>(messages: AsyncIterable<T>): Promise<T | undefined> {
  for await (const message of messages) return message;
  return undefined;
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
