import assert from "node:assert/strict";
import type { IncomingHttpHeaders } from "node:http2";
import { test } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import { Code, type Interceptor } from "@connectrpc/connect";
import {
  type ConnectTransportOptions,
  compressionGzip,
  type GrpcWebTransportOptions,
  Http2SessionManager,
} from "@connectrpc/connect-node";
import { UnaryRequestSchema } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { type ConnectEchoBackend, startConnectEcho } from "../../support/echo-server.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { pureMethod } from "../../support/pure-method.ts";
import { glinkTransport } from "../../support/transport.ts";
import { startOddPeer, until } from "../integration/calls-harness.ts";
import { type EchoClient, otherProtocols, type SharedOptions, sideBySide } from "./protocol-transports.ts";
import { errorOf } from "./transports.ts";

/* Each option of createConnectTransport and createGrpcWebTransport: it means the same here, or is refused by name. */

checkForLeaks();

type Theirs = (ConnectTransportOptions | GrpcWebTransportOptions) & { httpVersion: "2" };
type OptionName = keyof Theirs | "useHttpGet";

/** What a scenario sees by either protocol, which is the same on both transports. */
async function onBoth<T>(options: SharedOptions, observe: (client: EchoClient) => Promise<T>): Promise<T> {
  let seen: T | undefined;
  for (const protocol of otherProtocols) {
    const [expected, own] = await sideBySide(protocol, options, observe);
    assert.deepEqual(own, expected, protocol);
    if (seen !== undefined) assert.deepEqual(own, seen, "by both protocols");
    seen = own;
  }
  return seen as T;
}

async function withEcho<T>(
  options: Partial<SharedOptions>,
  observe: (client: EchoClient, backend: ConnectEchoBackend) => Promise<T>,
): Promise<T> {
  const backend = await startConnectEcho();
  try {
    return await onBoth({ baseUrl: `http://${backend.address}`, ...options }, (client) => observe(client, backend));
  } finally {
    await backend.close();
  }
}

const payload = new Uint8Array(5_000);

/** The head of a unary call with 5 000 bytes of payload, which is the same from both transports, by each protocol. */
async function heads(options: Partial<SharedOptions>): Promise<IncomingHttpHeaders[]> {
  const peer = await startOddPeer((stream) => stream.respond({ ":status": 503 }, { endStream: true }));
  const found: IncomingHttpHeaders[] = [];
  const interesting = /^(content-type|.*encoding|connect-timeout-ms|:method)$/;
  try {
    for (const protocol of otherProtocols) {
      const observe = async (client: EchoClient) => {
        await errorOf(client.unary({ payload }));
        const shown = Object.entries(peer.requests.at(-1) ?? {}).filter(([name]) => interesting.test(name));
        return Object.fromEntries(shown.sort()) as IncomingHttpHeaders;
      };
      const [expected, own] = await sideBySide(protocol, { baseUrl: `http://${peer.address}`, ...options }, observe);
      assert.deepEqual(own, expected, protocol);
      found.push(own);
    }
  } finally {
    await peer.close();
  }
  return found;
}

const types = (found: readonly IncomingHttpHeaders[]) => found.map((head) => head["content-type"]);

/** One test for each field: one that is missing here does not compile. */
const tests: Record<OptionName, () => Promise<void>> = {
  async baseUrl() {
    const served = await withEcho({}, async (client, { address }) => {
      return (await client.unary({})).served?.backend === address;
    });
    assert.equal(served, true);
  },

  async httpVersion() {
    const baseUrl = "http://127.0.0.1:1";
    const options: Theirs = { baseUrl, httpVersion: "2" };
    // Assignable as they are.
    await glinkTransport({ ...options, protocol: "connect" }).close();
    const old = { baseUrl, httpVersion: "1.1" as never };
    assert.throws(() => glinkTransport({ ...old, protocol: "grpc-web" }), /httpVersion must be "2"/);
  },

  async sessionManager() {
    const baseUrl = "http://127.0.0.1:1";
    const sessionManager = new Http2SessionManager(baseUrl);
    const make = () => glinkTransport({ baseUrl, protocol: "connect", httpVersion: "2", sessionManager });
    assert.throws(make, /sessionManager is one connection/);
  },

  async nodeOptions() {
    const settings = { headerTableSize: 1_000 };
    const told = await withEcho({ nodeOptions: { settings } }, async (client, { sessions }) => {
      await client.unary({});
      return [...sessions].at(-1)?.remoteSettings.headerTableSize;
    });
    assert.equal(told, 1_000);
  },

  async useBinaryFormat() {
    assert.deepEqual(types(await heads({})), ["application/proto", "application/grpc-web+proto"]);
    assert.deepEqual(types(await heads({ useBinaryFormat: false })), ["application/json", "application/grpc-web+json"]);
  },

  async useHttpGet() {
    const seen: unknown[] = [];
    const peer = await startOddPeer((stream, headers) => {
      seen.push(headers[":method"]);
      stream.respond({ ":status": 200, "content-type": "application/proto" }, { endStream: true });
    });
    try {
      for (const useHttpGet of [true, false]) {
        await sideBySide("connect", { baseUrl: `http://${peer.address}`, useHttpGet }, async (_, transport) => {
          await transport.unary(pureMethod, undefined, undefined, undefined, {});
        });
      }
    } finally {
      await peer.close();
    }
    assert.deepEqual(seen, ["GET", "GET", "POST", "POST"]);
  },

  async interceptors() {
    const interceptor: Interceptor = (next) => (request) => {
      request.header.set("x-echo-a", "from an interceptor");
      return next(request);
    };
    const seen = await withEcho({ interceptors: [interceptor] }, async (client) => {
      let value: string | null = null;
      const onHeader = (header: Headers) => {
        value = header.get("x-echo-a");
      };
      await client.unary({}, { onHeader });
      return value;
    });
    assert.equal(seen, "from an interceptor");
  },

  async jsonOptions() {
    for (const alwaysEmitImplicit of [true, false]) {
      const code = await withEcho(
        { useBinaryFormat: false, jsonOptions: { alwaysEmitImplicit }, writeMaxBytes: 10 },
        async (client) => (await errorOf(client.unary({})))?.code,
      );
      assert.equal(code, alwaysEmitImplicit ? Code.ResourceExhausted : undefined);
    }
  },

  async binaryOptions() {
    for (const writeUnknownFields of [true, false]) {
      // Field 99, a varint, which the schema does not know.
      const request = fromBinary(UnaryRequestSchema, Uint8Array.of(0x98, 0x06, 0x01));
      const options = { binaryOptions: { writeUnknownFields }, writeMaxBytes: 2 };
      const code = await withEcho(options, async (client) => (await errorOf(client.unary(request)))?.code);
      assert.equal(code, writeUnknownFields ? Code.ResourceExhausted : undefined);
    }
  },

  async acceptCompression() {
    const accepted = async (options: Partial<SharedOptions>) =>
      (await heads(options)).map((head) => head["accept-encoding"] ?? head["grpc-accept-encoding"]);
    assert.deepEqual(await accepted({}), ["gzip,br", "gzip,br"]);
    assert.deepEqual(await accepted({ acceptCompression: [compressionGzip] }), ["gzip", "gzip"]);
    assert.deepEqual(await accepted({ acceptCompression: [] }), [undefined, undefined]);
  },

  async sendCompression() {
    const encodings = (await heads({ sendCompression: compressionGzip })).map(
      (head) => head["content-encoding"] ?? head["grpc-encoding"],
    );
    assert.deepEqual(encodings, ["gzip", "gzip"]);
  },

  async compressMinBytes() {
    const [connect] = await heads({ sendCompression: compressionGzip, compressMinBytes: 6_000 });
    assert.equal(connect?.["content-encoding"], undefined);
    const [smaller] = await heads({ sendCompression: compressionGzip, compressMinBytes: 5_000 });
    assert.equal(smaller?.["content-encoding"], "gzip");
  },

  async readMaxBytes() {
    const call = async (client: EchoClient) => (await errorOf(client.unary({ responseBytes: 2_000 })))?.code;
    assert.equal(await withEcho({ readMaxBytes: 1_000 }, call), Code.ResourceExhausted);
    assert.equal(await withEcho({ readMaxBytes: 3_000 }, call), undefined);
  },

  async writeMaxBytes() {
    const call = async (client: EchoClient) => (await errorOf(client.unary({ payload })))?.code;
    assert.equal(await withEcho({ writeMaxBytes: 1_000 }, call), Code.ResourceExhausted);
    assert.equal(await withEcho({ writeMaxBytes: 6_000 }, call), undefined);
  },

  async defaultTimeoutMs() {
    const codes = await withEcho({ defaultTimeoutMs: 60 }, async (client) => [
      (await errorOf(client.unary({ behavior: { delayMs: 10_000 } })))?.code,
      (await errorOf(client.unary({ behavior: { delayMs: 100 } }, { timeoutMs: 10_000 })))?.code,
    ]);
    assert.deepEqual(codes, [Code.DeadlineExceeded, undefined]);
  },

  // What configures connections is below the protocols, which do not know it: options.test.ts has what each means.
  pingIntervalMs: () => isTaken({ pingIntervalMs: 60_000 }),
  pingIdleConnection: () => isTaken({ pingIdleConnection: true }),
  pingTimeoutMs: () => isTaken({ pingTimeoutMs: 60_000 }),
  connectTimeoutMs: () => isTaken({ connectTimeoutMs: 20_000 }),

  async idleConnectionTimeoutMs() {
    const opened = await withEcho({ idleConnectionTimeoutMs: 50 }, async (client, backend) => {
      await client.unary({});
      const before = backend.connections();
      await until(() => backend.sessions.size === 0, "the connection is closed");
      await client.unary({});
      return backend.connections() - before;
    });
    assert.equal(opened, 1);
  },
};

async function isTaken(options: Partial<SharedOptions>): Promise<void> {
  assert.equal(await withEcho(options, async (client) => (await client.unary({ text: "a" })).text), "a");
}

for (const [name, run] of Object.entries(tests)) {
  const how =
    name === "sessionManager" ? "is refused by name" : "acts as in createConnectTransport and createGrpcWebTransport";
  test(`the option ${name} ${how}`, run);
}
