import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { type TestContext, test } from "node:test";
import { create } from "@bufbuild/protobuf";
import {
  type CallOptions,
  type Client,
  ConnectError,
  createClient,
  decodeBinaryHeader,
  encodeBinaryHeader,
  type Transport,
} from "@connectrpc/connect";
import {
  compressionBrotli,
  compressionGzip,
  connectNodeAdapter,
  createGrpcTransport,
  type GrpcTransportOptions,
  Http2SessionManager,
} from "@connectrpc/connect-node";
import { EchoService, UnaryRequestSchema } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { checkForLeaks } from "../../support/leaks.ts";
import { glinkTransport } from "../../support/transport.ts";
import { collect, servers, startOddPeer, yielding } from "./calls-harness.ts";

checkForLeaks();

type EchoClient = Client<typeof EchoService>;

/** Makes calls and returns what a user can see of them. */
type Scenario = (client: EchoClient, options: CallOptions) => Promise<unknown>;

/** Headers as a user sees them, without what the clock decides. */
function visible(headers: Headers): [string, string][] {
  return [...headers].filter(([name]) => name !== "date");
}

/** The same value with short text for bytes: a failure that prints them all takes minutes. */
function comparable(value: unknown): unknown {
  if (value instanceof Uint8Array) return `${value.length} bytes, ${createHash("sha256").update(value).digest("hex")}`;
  if (Array.isArray(value)) return value.map(comparable);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, comparable(field)]));
}

async function observe(scenario: Scenario, client: EchoClient, headers?: HeadersInit) {
  const seen: Record<string, unknown> = {};
  const options: CallOptions = {
    ...(headers === undefined ? {} : { headers }),
    onHeader: (header) => {
      seen.header = visible(header);
    },
    onTrailer: (trailer) => {
      seen.trailer = visible(trailer);
    },
  };
  try {
    seen.result = comparable(await scenario(client, options));
  } catch (error) {
    assert.ok(error instanceof ConnectError, `${error}`);
    const { code, rawMessage, details, metadata } = error;
    seen.error = { code, rawMessage, details, metadata: visible(metadata).sort() };
  }
  return seen;
}

/** The same calls through both transports, side by side. */
async function sameOnBoth(
  address: string,
  options: Partial<GrpcTransportOptions>,
  check: (client: EchoClient) => Promise<unknown>,
) {
  const baseUrl = `http://${address}`;
  const sessionManager = new Http2SessionManager(baseUrl);
  const glink = glinkTransport({ baseUrl, ...options });
  try {
    const on = (transport: Transport) => check(createClient(EchoService, transport));
    const expected = await on(createGrpcTransport({ baseUrl, sessionManager, ...options }));
    assert.deepEqual(await on(glink), expected);
    return expected;
  } finally {
    sessionManager.abort();
    await glink.close({ timeoutMs: 0 });
  }
}

const payload = new Uint8Array(5_000).fill(7);

const scenarios: Record<string, Scenario> = {
  "a unary call": async (client, options) => client.unary({ text: "hello", payload }, options),
  "an empty request": async (client, options) => client.unary({}, options),
  "a large response": async (client, options) => client.unary({ responseBytes: 300_000 }, options),
  "a failed unary call": async (client, options) =>
    client.unary({ behavior: { failCode: 9, failMessage: "100% grün\n€", pushbackMs: "5" } }, options),
  "a server stream": async (client, options) =>
    collect(client.serverStream({ text: "s", count: 50, messageBytes: 3_000 }, options)),
  "an empty server stream": async (client, options) => collect(client.serverStream({ count: 0 }, options)),
  "a server stream that fails at once": async (client, options) =>
    collect(client.serverStream({ count: 5, behavior: { failCode: 5, failMessage: "gone" } }, options)),
  "a server stream that fails half-way": async (client, options) => {
    const got: number[] = [];
    try {
      for await (const { index } of client.serverStream({ count: 9, failAfter: 3, behavior: { failCode: 8 } }, options))
        got.push(index);
    } catch (error) {
      return { got, code: ConnectError.from(error).code };
    }
    return got;
  },
  "a client stream": async (client, options) =>
    client.clientStream(yielding({ text: "a", payload }, { text: "b" }, { text: "c" }), options),
  "an empty client stream": async (client, options) => client.clientStream(yielding(), options),
  "a failed client stream": async (client, options) =>
    client.clientStream(yielding({ behavior: { failCode: 3, failMessage: "no" } }), options),
  "a bidi stream": async (client, options) =>
    collect(client.bidi(yielding({ text: "a" }, { payload }, { text: "c" }), options)),
  "an empty bidi stream": async (client, options) => collect(client.bidi(yielding(), options)),
};

const formats: { name: string; options: Partial<GrpcTransportOptions>; grpcJs: boolean }[] = [
  { name: "binary", options: {}, grpcJs: true },
  { name: "JSON", options: { useBinaryFormat: false }, grpcJs: false },
  { name: "gzip", options: { sendCompression: compressionGzip, compressMinBytes: 0 }, grpcJs: true },
  { name: "brotli", options: { sendCompression: compressionBrotli, compressMinBytes: 100 }, grpcJs: false },
  { name: "no compression", options: { acceptCompression: [] }, grpcJs: true },
];

for (const { name: server, start } of servers) {
  for (const { name: format, options, grpcJs } of formats) {
    if (server === "grpc-js" && !grpcJs) continue;
    test(`every kind of call has the same result as with createGrpcTransport: ${format}, ${server}`, async (t: TestContext) => {
      const backend = await start();
      try {
        for (const [name, scenario] of Object.entries(scenarios)) {
          await t.test(name, async () => {
            const headers = [
              ["x-echo-a", "1"],
              ["x-echo-a", "2"],
              ["x-trailer-b", "3"],
              ["x-trailer-bytes-bin", encodeBinaryHeader(Uint8Array.of(0, 255, 10, 13))],
            ] as [string, string][];
            await sameOnBoth(backend.address, options, (client) => observe(scenario, client, headers));
          });
        }
      } finally {
        await backend.close();
      }
    });
  }
}

for (const { name: server, start } of servers) {
  test(`limits fail with the same code and text as with createGrpcTransport: ${server}`, async () => {
    const backend = await start();
    try {
      const limits = { writeMaxBytes: 1_000, readMaxBytes: 2_000 };
      for (const scenario of Object.values<Scenario>({
        writeUnary: (client) => client.unary({ payload }),
        readUnary: (client) => client.unary({ responseBytes: 5_000 }),
        writeClientStream: (client) => client.clientStream(yielding({ payload })),
        readServerStream: (client) => collect(client.serverStream({ count: 3, messageBytes: 5_000 })),
      })) {
        const seen = await sameOnBoth(backend.address, limits, async (client) => {
          const { error } = (await observe(scenario, client)) as { error: { code: number; rawMessage: string } };
          // glink adds which backend it was.
          return { code: error.code, message: error.rawMessage.replace(/ \(backend .*\)$/, "") };
        });
        assert.equal((seen as { code: number }).code, 8);
      }
    } finally {
      await backend.close();
    }
  });
}

for (const { name: server, start } of servers) {
  test(`bytes in a response are a Uint8Array and no Buffer, compressed or not: ${server}`, async () => {
    const backend = await start();
    const glink = glinkTransport({ baseUrl: `http://${backend.address}` });
    try {
      const client = createClient(EchoService, glink);
      const { payload: bytes } = await client.unary({ payload });
      assert.equal(Object.getPrototypeOf(bytes), Uint8Array.prototype);
    } finally {
      await glink.close();
      await backend.close();
    }
  });
}

test("error details and binary metadata are the same as with createGrpcTransport", async () => {
  const { createServer } = await import("node:http2");
  const detail = create(UnaryRequestSchema, { text: "why" });
  const server = createServer(
    connectNodeAdapter({
      routes: (router) =>
        router.service(EchoService, {
          unary: () => {
            const metadata = { "x-bytes-bin": encodeBinaryHeader(Uint8Array.of(1, 2, 3)), "x-text": "t" };
            throw new ConnectError("détaillé", 9, metadata, [{ desc: UnaryRequestSchema, value: detail }]);
          },
        }),
    }),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  try {
    await sameOnBoth(`127.0.0.1:${port}`, {}, async (client) => {
      const error = await client.unary({}).catch((reason: unknown) => ConnectError.from(reason));
      assert.ok(error instanceof ConnectError);
      assert.equal(error.findDetails(UnaryRequestSchema)[0]?.text, "why");
      assert.deepEqual(decodeBinaryHeader(error.metadata.get("x-bytes-bin") ?? ""), Uint8Array.of(1, 2, 3));
      return [error.message, error.code, error.rawMessage, error.details, visible(error.metadata).sort()];
    });
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
});

const grpcHead = { ":status": 200, "content-type": "application/grpc+proto" };
/** One empty message. */
const emptyMessage = Uint8Array.of(0, 0, 0, 0, 0);

/** Answers of broken or unusual servers: head, body, trailers. */
const oddAnswers: Record<
  string,
  [Record<string, string | number>, Uint8Array | undefined, Record<string, string> | undefined]
> = {
  "HTTP 404 with HTML": [{ ":status": 404, "content-type": "text/html" }, Buffer.from("<p>no</p>"), undefined],
  "HTTP 503": [{ ":status": 503 }, undefined, undefined],
  "HTTP 200 with HTML": [{ ":status": 200, "content-type": "text/html" }, Buffer.from("<p>hi</p>"), undefined],
  "trailers-only": [{ ...grpcHead, "grpc-status": "7", "grpc-message": "n%C3%B6", "x-a": "1" }, undefined, undefined],
  "no message": [grpcHead, undefined, { "grpc-status": "0" }],
  "trailers-only success": [{ ...grpcHead, "grpc-status": "0" }, undefined, undefined],
  "two messages": [grpcHead, Buffer.concat([emptyMessage, emptyMessage]), { "grpc-status": "0" }],
  "status in headers and trailers": [{ ...grpcHead, "grpc-status": "8" }, undefined, { "grpc-status": "9" }],
  "missing status": [grpcHead, emptyMessage, { "x-other": "1" }],
  "empty status": [grpcHead, emptyMessage, { "grpc-status": "" }],
  "status 00": [grpcHead, emptyMessage, { "grpc-status": "00" }],
  "status -1": [grpcHead, emptyMessage, { "grpc-status": "-1" }],
  "status abc": [grpcHead, emptyMessage, { "grpc-status": "abc" }],
  "status 99": [grpcHead, emptyMessage, { "grpc-status": "99" }],
  "a message and an error": [grpcHead, emptyMessage, { "grpc-status": "10", "grpc-message": "late" }],
  "unknown encoding": [{ ...grpcHead, "grpc-encoding": "foo" }, emptyMessage, { "grpc-status": "0" }],
  "compressed without encoding": [grpcHead, Uint8Array.of(1, 0, 0, 0, 1, 9), { "grpc-status": "0" }],
  "a message that is no protobuf": [grpcHead, Uint8Array.of(0, 0, 0, 0, 1, 0xff), { "grpc-status": "0" }],
};

test("broken and unusual answers give the same code as with createGrpcTransport", async (t) => {
  for (const [name, [head, body, trailers]] of Object.entries(oddAnswers)) {
    await t.test(name, async () => {
      const peer = await startOddPeer((stream) => {
        stream.on("wantTrailers", () => stream.sendTrailers(trailers ?? {}));
        const endStream = body === undefined && trailers === undefined;
        stream.respond(head, { endStream, waitForTrailers: trailers !== undefined });
        if (!endStream) stream.end(body);
      });
      try {
        await sameOnBoth(peer.address, { readMaxBytes: 1_000 }, async (client) => {
          const error = await client.unary({ text: "x" }, { timeoutMs: 5_000 }).then(
            () => assert.fail("the call succeeded"),
            (reason: unknown) => ConnectError.from(reason),
          );
          return error.code;
        });
      } finally {
        await peer.close();
      }
    });
  }
});
