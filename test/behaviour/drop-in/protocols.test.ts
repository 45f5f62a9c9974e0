import assert from "node:assert/strict";
import { test } from "node:test";
import { Code, ConnectError, createClient, type Interceptor, type Transport } from "@connectrpc/connect";
import { compressionGzip } from "@connectrpc/connect-node";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { startConnectEcho } from "../../support/echo-server.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { collect, startOddPeer, yielding } from "../integration/calls-harness.ts";
import {
  type EchoClient,
  type OtherProtocol,
  onOriginal,
  otherProtocols,
  type SharedOptions,
  sideBySide,
} from "./protocol-transports.ts";
import { onGlink } from "./transports.ts";

/* Calls by the Connect protocol and by gRPC-Web, beside connect-node's own transports for them. */

checkForLeaks();

/** Runs a scenario on either transport, and returns what both have seen. */
async function same(
  protocol: OtherProtocol,
  options: SharedOptions,
  observe: (client: EchoClient) => Promise<unknown>,
) {
  const [expected, own] = await sideBySide(protocol, options, observe);
  assert.deepEqual(own, expected);
  return expected;
}

/** What differs from call to call, or by the library. */
const varying = /^(date|content-length|vary|grpc-accept-encoding|accept-encoding|accept-post|connect-accept-encoding)$/;
const shown = (headers: Headers | undefined) => [...(headers ?? [])].filter(([name]) => !varying.test(name));

async function outcome(call: Promise<unknown>): Promise<unknown> {
  try {
    return await call;
  } catch (reason) {
    const { code, rawMessage, details, metadata } = ConnectError.from(reason);
    return { code: Code[code], text: rawMessage.replace(/ \([^)]*\)$/, ""), details, metadata: shown(metadata) };
  }
}

const headers = { "x-echo-a": "1", "x-echo-b-bin": "AQI" };

const calls: Record<string, (client: EchoClient) => Promise<unknown>> = {
  "a unary call": async (client) => {
    const seen: unknown[] = [];
    const callbacks = {
      onHeader: (header: Headers) => void seen.push(shown(header)),
      onTrailer: (trailer: Headers) => void seen.push(shown(trailer)),
    };
    const { text } = await client.unary({ text: "hällo" }, { headers, ...callbacks });
    return [text, seen];
  },
  "an empty message": async (client) => (await client.unary({})).text,
  "a call without side effects": async (client) => (await client.unaryIdempotent({ text: "again" })).text,
  "a server stream": async (client) => (await collect(client.serverStream({ count: 3 }))).map(({ index }) => index),
  "an empty stream": async (client) => collect(client.serverStream({ count: 0 })),
  "a client stream": async (client) => (await client.clientStream(yielding({ text: "a" }, { text: "b" }))).text,
  "a stream both ways": async (client) =>
    (await collect(client.bidi(yielding({ text: "a" }, { text: "b" })))).map(({ text }) => text),
  "a large message": async (client) => (await client.unary({ responseBytes: 300_000 })).payload?.length,
  "an error": (client) =>
    outcome(client.unary({ behavior: { failCode: Code.NotFound, failMessage: "göne" } }, { headers })),
  "an error of a stream": (client) =>
    outcome(collect(client.serverStream({ count: 3, failAfter: 2, behavior: { failCode: Code.DataLoss } }))),
  "a response above readMaxBytes": (client) => outcome(client.unary({ responseBytes: 2_000_000 })),
};

for (const protocol of otherProtocols) {
  test(`each kind of call by ${protocol} gives what connect-node's transport gives`, async (t) => {
    const backend = await startConnectEcho();
    const baseUrl = `http://${backend.address}`;
    const variants: Record<string, Partial<SharedOptions>> = {
      default: {},
      "the other format": { useBinaryFormat: false },
      compressed: { sendCompression: compressionGzip, compressMinBytes: 0 },
    };
    try {
      for (const [variant, options] of Object.entries(variants)) {
        for (const [name, run] of Object.entries(calls)) {
          await t.test(`${variant}: ${name}`, async () => {
            await same(protocol, { baseUrl, readMaxBytes: 1_000_000, ...options }, run);
          });
        }
      }
    } finally {
      await backend.close();
    }
  });

  test(`requests by ${protocol} are those of connect-node's transport`, async () => {
    const seen: unknown[] = [];
    const peer = await startOddPeer((stream, { "user-agent": _, "x-user-agent": __, ...others }) => {
      seen.push(Object.entries(others).sort());
      stream.respond({ ":status": 503 }, { endStream: true });
    });
    const compressed = { sendCompression: compressionGzip, compressMinBytes: 0 };
    try {
      for (const options of [{}, { useBinaryFormat: false }, { acceptCompression: [] }, compressed]) {
        await same(protocol, { baseUrl: `http://${peer.address}`, ...options }, async (client) => {
          await outcome(client.unary({ text: "a" }, { headers }));
          await outcome(client.clientStream(yielding({ text: "a" }), { headers }));
          return undefined;
        });
        const [unary, stream, ownUnary, ownStream] = seen.splice(0);
        assert.deepEqual([ownUnary, ownStream], [unary, stream]);
      }
    } finally {
      await peer.close();
    }
  });

  test(`interceptors of calls by ${protocol} see what those of connect-node's transport see`, async () => {
    const backend = await startConnectEcho();
    try {
      const baseUrl = `http://${backend.address}`;
      const scenario = async (make: (interceptors: Interceptor[]) => Promise<unknown>) => {
        const seen: unknown[] = [];
        const interceptor: Interceptor = (next) => async (request) => {
          const header = [...request.header].filter(([name]) => !/user-agent/.test(name));
          seen.push([request.requestMethod, request.url, request.stream, header]);
          return next(request);
        };
        await make([interceptor]);
        return seen;
      };
      const call = async (transport: Transport) => {
        const client = createClient(EchoService, transport);
        await client.unary({ text: "a" }, { headers, timeoutMs: 5_000 });
        await client.unaryIdempotent({ text: "a" });
        await collect(client.serverStream({ count: 1 }));
      };
      const options: SharedOptions = { baseUrl, sendCompression: compressionGzip };
      if (protocol === "connect") options.useHttpGet = true;
      const expected = await scenario((interceptors) => onOriginal(protocol, { ...options, interceptors }, call));
      const own = await scenario((interceptors) => onGlink({ protocol, ...options, interceptors }, call));
      assert.deepEqual(own, expected);
    } finally {
      await backend.close();
    }
  });
}

const json = "application/json";
const error = (fields: object) => Buffer.from(JSON.stringify(fields));

/** Answers to a unary call of Connect's: head and body. */
const oddAnswers: Record<string, [head: Record<string, string | number>, body: Uint8Array | undefined]> = {
  "HTTP 404 with HTML": [{ ":status": 404, "content-type": "text/html" }, Buffer.from("<p>no</p>")],
  "HTTP 502 with HTML": [{ ":status": 502, "content-type": "text/html" }, Buffer.from("<p>no</p>")],
  "HTTP 503 and nothing else": [{ ":status": 503 }, undefined],
  "HTTP 409 with an error": [{ ":status": 409, "content-type": json }, error({ code: "aborted", message: "x" })],
  "an error without a code": [{ ":status": 429, "content-type": json }, error({ message: "x" })],
  "an error that is no JSON": [{ ":status": 429, "content-type": json }, Buffer.from("<p>")],
  "HTTP 200 with HTML": [{ ":status": 200, "content-type": "text/html" }, Buffer.from("<p>hi</p>")],
  "HTTP 200 with the other format": [{ ":status": 200, "content-type": "application/proto" }, Buffer.alloc(0)],
  "HTTP 200 with gRPC": [{ ":status": 200, "content-type": "application/grpc" }, Buffer.alloc(5)],
  "an unknown encoding": [{ ":status": 200, "content-type": json, "content-encoding": "foo" }, Buffer.from("{}")],
  "a charset": [{ ":status": 200, "content-type": "application/json; charset=utf-8" }, Buffer.from("{}")],
  "headers alone": [{ ":status": 200, "content-type": "application/json" }, undefined],
};

test("unusual answers to a unary call of Connect's give the code that createConnectTransport gives", async (t) => {
  for (const [name, [head, body]] of Object.entries(oddAnswers)) {
    await t.test(name, async () => {
      const peer = await startOddPeer((stream) => {
        stream.respond(head, { endStream: body === undefined });
        if (body !== undefined) stream.end(body);
      });
      try {
        // Of JSON that does not parse glink says Internal: docs/differences.md.
        const codes = { InvalidArgument: "Internal" } as Record<string, string>;
        await same("connect", { baseUrl: `http://${peer.address}`, useBinaryFormat: false }, async (client) => {
          const seen = (await outcome(client.unary({}))) as { code?: string };
          return seen.code === undefined ? "success" : (codes[seen.code] ?? seen.code);
        });
      } finally {
        await peer.close();
      }
    });
  }
});
