import assert from "node:assert/strict";
import type { Http2Stream, IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Code, createClient, type Interceptor } from "@connectrpc/connect";
import { compressionGzip, type GrpcTransportOptions, Http2SessionManager } from "@connectrpc/connect-node";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { type ConnectEchoBackend, startConnectEcho } from "../../support/echo-server.ts";
import { startFaultyNetwork } from "../../support/faulty-network.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { glinkTransport } from "../../support/transport.ts";
import { startOddPeer, until } from "../integration/calls-harness.ts";
import { errorOf, type Options, onConnectNode, onGlink, type Scenario } from "./transports.ts";

checkForLeaks();

type EchoClient = ReturnType<typeof createClient<typeof EchoService>>;

/** Runs a scenario on either transport: it must see the same, which is returned. */
async function onBoth<T>(options: Options, scenario: (client: EchoClient) => Promise<T>): Promise<T> {
  const run: Scenario = (transport) => scenario(createClient(EchoService, transport));
  const expected = await onConnectNode(options, run);
  assert.deepEqual(await onGlink(options, run), expected);
  return expected as T;
}

/** The same to the echo service. */
async function withEcho<T>(
  options: Partial<Options>,
  scenario: (client: EchoClient, backend: ConnectEchoBackend) => Promise<T>,
): Promise<T> {
  const backend = await startConnectEcho();
  try {
    return await onBoth({ baseUrl: `http://${backend.address}`, ...options }, (client) => scenario(client, backend));
  } finally {
    await backend.close();
  }
}

/** What a server sees of a request. */
interface SentRequest {
  readonly contentType: string | undefined;
  readonly encoding: unknown;
  readonly acceptEncoding: unknown;
  readonly compressed: boolean;
}

const payload = new Uint8Array(5_000);

/** What leaves for a unary call with 5 000 bytes of payload. */
async function sentWith(options: Partial<Options>): Promise<SentRequest> {
  let sent: SentRequest | undefined;
  const answer = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    void bytesOf(stream).then((body) => {
      sent = {
        contentType: headers["content-type"],
        encoding: headers["grpc-encoding"],
        acceptEncoding: headers["grpc-accept-encoding"],
        compressed: body[0] === 1,
      };
      const head = { ":status": 200, "content-type": "application/grpc", "grpc-status": "12" };
      stream.respond(head, { endStream: true });
    });
  };
  const peer = await startOddPeer(answer);
  try {
    return await onBoth({ baseUrl: `http://${peer.address}`, ...options }, async (client) => {
      await errorOf(client.unary({ payload }));
      assert.ok(sent !== undefined);
      return sent;
    });
  } finally {
    await peer.close();
  }
}

async function bytesOf(stream: Http2Stream): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Runs a scenario against a peer that answers each call with this message. */
async function answeredWith<T>(
  contentType: string,
  message: Uint8Array,
  options: Partial<Options>,
  scenario: (client: EchoClient) => Promise<T>,
): Promise<T> {
  const peer = await startOddPeer((stream) => {
    stream.respond({ ":status": 200, "content-type": contentType }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.end(Buffer.concat([Uint8Array.of(0, 0, 0, 0, message.length), message]));
  });
  try {
    return await onBoth({ baseUrl: `http://${peer.address}`, ...options }, scenario);
  } finally {
    await peer.close();
  }
}

/** Whether the newest connection is pinged before `work` is done. */
async function pinged(backend: ConnectEchoBackend, work: Promise<unknown>): Promise<boolean> {
  let pings = 0;
  [...backend.sessions].at(-1)?.on("ping", () => pings++);
  await work;
  return pings > 0;
}

/** One test for each field: a field that is missing here does not compile. */
const tests: Record<keyof GrpcTransportOptions, () => Promise<void>> = {
  async baseUrl() {
    const backends = [await startConnectEcho(), await startConnectEcho()];
    try {
      for (const { address } of backends) {
        const seen = await onBoth({ baseUrl: `http://${address}` }, async (client) => client.unary({}));
        assert.equal(seen.served?.backend, address);
      }
    } finally {
      for (const backend of backends) await backend.close();
    }
  },

  async sessionManager() {
    const baseUrl = "http://127.0.0.1:50051";
    const sessionManager = new Http2SessionManager(baseUrl);
    assert.throws(() => glinkTransport({ baseUrl, sessionManager }), /sessionManager is one connection/);
  },

  async nodeOptions() {
    const settings = { initialWindowSize: 70_000, headerTableSize: 1_000 };
    const told = await withEcho({ nodeOptions: { settings } }, async (client, { sessions }) => {
      await client.unary({});
      const { initialWindowSize, headerTableSize } = [...sessions].at(-1)?.remoteSettings ?? {};
      return { initialWindowSize, headerTableSize };
    });
    assert.deepEqual(told, settings);
  },

  async useBinaryFormat() {
    assert.equal((await sentWith({ useBinaryFormat: false })).contentType, "application/grpc+json");
    assert.equal((await sentWith({ useBinaryFormat: true })).contentType, "application/grpc+proto");
  },

  async interceptors() {
    const interceptor: Interceptor = (next) => (request) => {
      request.header.set("x-echo-a", "from an interceptor");
      return next(request);
    };
    const seen = await withEcho({ interceptors: [interceptor] }, async (client) => {
      const headers: Headers[] = [];
      await client.unary({}, { onHeader: (header) => headers.push(header) });
      return headers[0]?.get("x-echo-a");
    });
    assert.equal(seen, "from an interceptor");
  },

  async jsonOptions() {
    const message = Buffer.from('{"text":"x","unknown":1}');
    for (const ignoreUnknownFields of [true, false]) {
      const options = { useBinaryFormat: false, jsonOptions: { ignoreUnknownFields } };
      const accepted = await answeredWith("application/grpc+json", message, options, async (client) => {
        const error = await errorOf(client.unary({}));
        return error === undefined;
      });
      assert.equal(accepted, ignoreUnknownFields);
    }
  },

  async binaryOptions() {
    // Field 99, a varint, which the schema does not know.
    const message = Uint8Array.of(0x98, 0x06, 0x01);
    for (const readUnknownFields of [true, false]) {
      const options = { binaryOptions: { readUnknownFields } };
      const { $unknown } = await answeredWith("application/grpc+proto", message, options, (client) => client.unary({}));
      assert.equal($unknown?.length, readUnknownFields ? 1 : undefined);
    }
  },

  async acceptCompression() {
    assert.equal((await sentWith({})).acceptEncoding, "gzip,br");
    assert.equal((await sentWith({ acceptCompression: [compressionGzip] })).acceptEncoding, "gzip");
    assert.equal((await sentWith({ acceptCompression: [] })).acceptEncoding, undefined);
  },

  async sendCompression() {
    const { encoding, compressed } = await sentWith({ sendCompression: compressionGzip });
    assert.deepEqual([encoding, compressed], ["gzip", true]);
    assert.equal((await sentWith({})).compressed, false);
  },

  async compressMinBytes() {
    const sendCompression = compressionGzip;
    assert.equal((await sentWith({ sendCompression, compressMinBytes: 5_000 })).compressed, true);
    assert.equal((await sentWith({ sendCompression, compressMinBytes: 6_000 })).compressed, false);
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

  async pingIntervalMs() {
    const call = async (client: EchoClient, backend: ConnectEchoBackend) => {
      const open = client.unary({ behavior: { delayMs: 500 } });
      await until(() => backend.counters.running > 0, "the call is open");
      return pinged(backend, open);
    };
    assert.equal(await withEcho({ pingIntervalMs: 50 }, call), true);
    assert.equal(await withEcho({}, call), false);
  },

  async pingIdleConnection() {
    const idle = async (client: EchoClient, backend: ConnectEchoBackend) => {
      await client.unary({});
      return pinged(backend, sleep(400));
    };
    assert.equal(await withEcho({ pingIntervalMs: 50, pingIdleConnection: true }, idle), true);
    assert.equal(await withEcho({ pingIntervalMs: 50, pingIdleConnection: false }, idle), false);
  },

  async pingTimeoutMs() {
    const backend = await startConnectEcho();
    const network = await startFaultyNetwork(backend.address);
    const baseUrl = `http://${network.address}`;
    const transport = glinkTransport({ baseUrl, pingIntervalMs: 50, pingTimeoutMs: 60, retry: false });
    try {
      const call = errorOf(createClient(EchoService, transport).unary({ behavior: { delayMs: 60_000 } }));
      await until(() => backend.counters.running > 0, "the call is open");
      network.freeze();
      const waited = /a PING got no answer for (\d+) ms/.exec((await call)?.message ?? "")?.[1];
      // The default is 15 s.
      assert.ok(Number(waited) >= 60 && Number(waited) < 10_000, `${waited}`);
    } finally {
      await transport.close({ timeoutMs: 0 });
      await network.close();
      await backend.close();
    }
  },

  async connectTimeoutMs() {
    // Accepts, and never answers TLS.
    const sockets = new Set<Socket>();
    const server = createServer((socket) => sockets.add(socket.on("error", () => undefined)));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      const baseUrl = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const code = await onBoth({ baseUrl, connectTimeoutMs: 100 }, async (client) =>
        errorOf(client.unary({}, { timeoutMs: 30_000 })).then((error) => error?.code),
      );
      assert.equal(code, Code.Unavailable);
    } finally {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    }
  },

  async idleConnectionTimeoutMs() {
    const afterPause = (pause: (backend: ConnectEchoBackend) => Promise<void>) => {
      return async (client: EchoClient, backend: ConnectEchoBackend) => {
        await client.unary({});
        const before = backend.connections();
        await pause(backend);
        await client.unary({});
        return backend.connections() - before;
      };
    };
    const untilClosed = afterPause((backend) => until(() => backend.sessions.size === 0, "the connection is closed"));
    assert.equal(await withEcho({ idleConnectionTimeoutMs: 50 }, untilClosed), 1);
    assert.equal(
      await withEcho(
        { idleConnectionTimeoutMs: 60_000 },
        afterPause(() => sleep(400)),
      ),
      0,
    );
  },
};

for (const [name, run] of Object.entries(tests)) {
  const how = name === "sessionManager" ? "is refused by name" : "acts as it does in createGrpcTransport";
  test(`the option ${name} ${how}`, run);
}
