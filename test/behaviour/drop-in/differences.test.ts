import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer as createHttp1Server } from "node:http";
import { constants, type ServerHttp2Stream } from "node:http2";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport, type GrpcTransportOptions, Http2SessionManager } from "@connectrpc/connect-node";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import type { GlinkTransportOptions } from "../../../src/index.ts";
import { ca, otherCa, serverIdentity } from "../../support/certificates.ts";
import { startConnectEcho } from "../../support/echo-server.ts";
import { startFaultyNetwork } from "../../support/faulty-network.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { glinkTransport } from "../../support/transport.ts";
import { collect, startOddPeer, until } from "../integration/calls-harness.ts";
import { codeOf, errorOf, onConnectNode, onGlink, type Scenario } from "./transports.ts";

/*
 * Each row of the tables in docs/differences.md, run against both transports. A row that no longer holds fails, and so
 * does a row that nothing here runs.
 */

checkForLeaks();

type EchoClient = ReturnType<typeof createClient<typeof EchoService>>;

/** What came of a situation on each transport: [createGrpcTransport, glink]. */
type Outcome = readonly [connectNode: string, glink: string];

/** A call on either transport, to the same server; what `observe` returns is compared. */
async function sideBySide(
  options: GrpcTransportOptions,
  observe: (client: EchoClient) => Promise<string>,
  glinkOptions: Partial<GlinkTransportOptions> = { retry: false },
): Promise<Outcome> {
  const scenario: Scenario = (transport) => observe(createClient(EchoService, transport));
  const expected = await onConnectNode(options, scenario);
  return [String(expected), String(await onGlink({ ...options, ...glinkOptions }, scenario))];
}

const unaryCode = (client: EchoClient) => codeOf(client.unary({}, { timeoutMs: 1_000 }));

/** To a port that treats its connections in this way. */
async function withPort(server: Server, work: (address: string) => Promise<Outcome>): Promise<Outcome> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    return await work(`127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
}

/** To a server that does this with each request. */
async function withStreams(
  answer: (stream: ServerHttp2Stream) => void,
  options: Partial<GrpcTransportOptions> = {},
): Promise<Outcome> {
  const peer = await startOddPeer(answer);
  try {
    return await sideBySide({ baseUrl: `http://${peer.address}`, ...options }, unaryCode);
  } finally {
    await peer.close();
  }
}

type EchoOptions = Parameters<typeof startConnectEcho>[0];
type Echo = Awaited<ReturnType<typeof startConnectEcho>>;

/** To the echo service. */
async function withEcho(work: (backend: Echo) => Promise<Outcome>, options?: EchoOptions): Promise<Outcome> {
  const backend = await startConnectEcho(options);
  try {
    return await work(backend);
  } finally {
    await backend.close();
  }
}

const codes: Record<string, () => Promise<Outcome>> = {
  "the connection is reset while a call is open": () =>
    withEcho(async (backend) => {
      const network = await startFaultyNetwork(backend.address);
      try {
        return await sideBySide({ baseUrl: `http://${network.address}` }, async (client) => {
          const { executions } = backend.counters;
          const code = codeOf(client.unary({ behavior: { delayMs: 5_000 } }));
          await until(() => backend.counters.executions > executions, "the call is open");
          network.reset();
          return code;
        });
      } finally {
        await network.close();
      }
    }),
  "the server drops the connection while a call is open": () => withStreams((stream) => stream.session?.destroy()),
  "a port that closes each connection": () =>
    withPort(
      createServer((socket) => socket.end()),
      (address) => sideBySide({ baseUrl: `http://${address}` }, unaryCode),
    ),
  "an HTTP/1.1 server": () =>
    withPort(
      createHttp1Server((_, response) => response.end("hello")),
      (address) => sideBySide({ baseUrl: `http://${address}` }, unaryCode),
    ),
  "http:// to a TLS port": () =>
    withEcho(({ address }) => sideBySide({ baseUrl: `http://${address}` }, unaryCode), { tls: serverIdentity }),
  "https:// to a plaintext port": () =>
    withEcho(({ address }) => sideBySide({ baseUrl: `https://${address}` }, unaryCode)),
  "a certificate of an unknown authority": () =>
    withEcho(
      ({ address }) =>
        sideBySide({ baseUrl: `https://${address}`, nodeOptions: { ca: otherCa, servername: "echo.test" } }, unaryCode),
      { tls: serverIdentity },
    ),
  "a certificate for another name": () =>
    withEcho(({ address }) => sideBySide({ baseUrl: `https://${address}`, nodeOptions: { ca } }, unaryCode), {
      tls: serverIdentity,
    }),
  "a port that accepts and stays silent": () =>
    withPort(createServer(), (address) =>
      sideBySide({ baseUrl: `http://${address}` }, unaryCode, { retry: false, connectTimeoutMs: 100 }),
    ),
  "RST_STREAM with REFUSED_STREAM": () => withStreams((stream) => stream.close(constants.NGHTTP2_REFUSED_STREAM)),
  "RST_STREAM with ENHANCE_YOUR_CALM": () => withStreams((stream) => stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM)),
  "RST_STREAM with INADEQUATE_SECURITY": () =>
    withStreams((stream) => stream.close(constants.NGHTTP2_INADEQUATE_SECURITY)),
  "HTTP 503 whose headers say `grpc-status: 8`": () =>
    withStreams((stream) => {
      const head = { ":status": 503, "content-type": "application/grpc", "grpc-status": "8" };
      stream.respond(head, { endStream: true });
    }),
  "a JSON response that does not fit the schema": () => {
    const text = Buffer.from('{"text":5}');
    const message = Buffer.concat([Uint8Array.of(0, 0, 0, 0, text.length), text]);
    const answer = (stream: ServerHttp2Stream) => {
      stream.respond({ ":status": 200, "content-type": "application/grpc+json" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.end(message);
    };
    return withStreams(answer, { useBinaryFormat: false });
  },
  "a timeout of 30 days": () =>
    withEcho(({ address }) =>
      sideBySide({ baseUrl: `http://${address}` }, (client) =>
        codeOf(client.unary({}, { timeoutMs: 30 * 86_400_000 })),
      ),
    ),
  "`defaultTimeoutMs: 0`": () =>
    withEcho(({ address }) =>
      sideBySide({ baseUrl: `http://${address}`, defaultTimeoutMs: 0 }, (client) => codeOf(client.unary({}))),
    ),
  "`timeoutMs: NaN`": () =>
    withEcho(({ address }) =>
      sideBySide({ baseUrl: `http://${address}` }, (client) => codeOf(client.unary({}, { timeoutMs: Number.NaN }))),
    ),
  "a response stream read after its deadline, when all of it had come in time": () =>
    withEcho(({ address }) =>
      sideBySide({ baseUrl: `http://${address}` }, async (client) => {
        const timeoutMs = 500;
        const responses = client.serverStream({ count: 5 }, { timeoutMs })[Symbol.asyncIterator]();
        await responses.next();
        await delay(timeoutMs + 100);
        return codeOf(collect({ [Symbol.asyncIterator]: () => responses }));
      }),
    ),
  "50 calls at once, and a server that allows 2 streams": () =>
    withEcho(
      ({ address }) =>
        sideBySide({ baseUrl: `http://${address}` }, async (client) => {
          const calls = Array.from({ length: 50 }, () => codeOf(client.unary({ behavior: { delayMs: 10 } })));
          return (await Promise.all(calls)).find((code) => code !== "success") ?? "success";
        }),
      { maxConcurrentStreams: 2 },
    ),
  "a server that answers Unavailable to the first attempt, with default options": () =>
    withEcho(({ address }) =>
      sideBySide(
        { baseUrl: `http://${address}` },
        (client) =>
          codeOf(client.unary({ behavior: { failCode: 14, failAttempts: 1, requestId: crypto.randomUUID() } })),
        {},
      ),
    ),
};

/** The text of an error, without what differs from run to run: the port, and that a server was the first to see a deadline. */
async function textOf(call: Promise<unknown>): Promise<string> {
  const error = await errorOf(call);
  if (error === undefined) return "success";
  return error.rawMessage
    .replace(/backend [\d.:]+/, "backend …")
    .replace(/, last error: DeadlineExceeded from [^)]*/, "");
}

function abortedSoon(): AbortSignal {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 30);
  return controller.signal;
}

const slow = { behavior: { delayMs: 5_000 } };

const texts: Record<string, () => Promise<Outcome>> = {
  "text of a deadline": () =>
    withEcho(({ address }) =>
      sideBySide({ baseUrl: `http://${address}` }, async (client) => {
        await client.unary({});
        return textOf(client.unary(slow, { timeoutMs: 50 }));
      }),
    ),
  "text of an abort": () =>
    withEcho(({ address }) =>
      sideBySide({ baseUrl: `http://${address}` }, async (client) => {
        await client.unary({});
        return textOf(client.unary(slow, { signal: abortedSoon() }));
      }),
    ),
  "`cause` of an abort": () =>
    withEcho(({ address }) =>
      sideBySide({ baseUrl: `http://${address}` }, async (client) => {
        const signal = abortedSoon();
        const error = await errorOf(client.unary(slow, { signal }));
        return error?.cause === signal.reason ? "the signal's reason" : String(error?.cause);
      }),
    ),
};

/** Whether each transport takes these options. */
async function construction(options: GrpcTransportOptions): Promise<Outcome> {
  const make = (create: (options: GrpcTransportOptions) => unknown) => {
    try {
      create(options);
      return "accepted";
    } catch (error) {
      return (error as Error).name;
    }
  };
  return [make(createGrpcTransport), make(glinkTransport)];
}

const baseUrl = "http://127.0.0.1:50051";

const options: Record<string, () => Promise<Outcome>> = {
  "`sessionManager`": () => construction({ baseUrl, sessionManager: new Http2SessionManager(baseUrl) }),
  "`nodeOptions.lookup`": () =>
    construction({ baseUrl, nodeOptions: { lookup: (_name, _options, done) => done(null, "127.0.0.1", 4) } }),
  "`baseUrl` with a query": () => construction({ baseUrl: `${baseUrl}?a=b` }),
  "`baseUrl` with credentials": () => construction({ baseUrl: "http://me:secret@127.0.0.1:50051" }),
  "`baseUrl` with another scheme than http and https": () => construction({ baseUrl: "dns://127.0.0.1:50051" }),
  "a numeric option that is negative": () => construction({ baseUrl, pingTimeoutMs: -1 }),
  "`nodeOptions.createConnection` is asked for": () =>
    withEcho(async ({ port }) => {
      let asked = "";
      const createConnection = (url: URL) => {
        asked = url.hostname === "localhost" ? "the host of baseUrl" : "an address of the resolver";
        return connect(port, "127.0.0.1");
      };
      return sideBySide({ baseUrl: `http://localhost:${port}`, nodeOptions: { createConnection } }, async (client) => {
        await client.unary({});
        return asked;
      });
    }),
};

/** What the server's session was told. */
function setting(name: "initialWindowSize" | "maxHeaderListSize" | "enablePush"): Promise<Outcome> {
  return withEcho(({ address, sessions }) =>
    sideBySide({ baseUrl: `http://${address}` }, async (client) => {
      await client.unary({});
      return String([...sessions].at(-1)?.remoteSettings[name]);
    }),
  );
}

const wire: Record<string, () => Promise<Outcome>> = {
  "a call that is aborted in the tick it began in, on a ready connection": () =>
    withEcho(({ address, counters }) =>
      sideBySide({ baseUrl: `http://${address}` }, async (client) => {
        await client.unary({});
        const before = counters.executions;
        const controller = new AbortController();
        const call = codeOf(client.unary({}, { signal: controller.signal }));
        controller.abort();
        assert.equal(await call, "Canceled");
        await client.unary({});
        return counters.executions - before === 1 ? "not sent" : "sent and reset";
      }),
    ),
  "user-agent, without one of the caller's": async () => {
    const agents: string[] = [];
    const peer = await startOddPeer((stream, { "user-agent": agent = "" }) => {
      agents.push(agent.replace(/\/.*/, ""));
      stream.close(constants.NGHTTP2_CANCEL);
    });
    try {
      await sideBySide({ baseUrl: `http://${peer.address}` }, unaryCode);
    } finally {
      await peer.close();
    }
    return [agents[0] ?? "", agents[1] ?? ""];
  },
  "`grpc-timeout` among the caller's headers": async () => {
    const timeouts: string[] = [];
    const peer = await startOddPeer((stream, { "grpc-timeout": timeout = "not sent" }) => {
      timeouts.push(String(timeout));
      stream.close(constants.NGHTTP2_CANCEL);
    });
    try {
      const headers = { "grpc-timeout": "5S" };
      await sideBySide({ baseUrl: `http://${peer.address}` }, (client) => codeOf(client.unary({}, { headers })));
    } finally {
      await peer.close();
    }
    return [timeouts[0] ?? "", timeouts[1] ?? ""];
  },
  SETTINGS_INITIAL_WINDOW_SIZE: () => setting("initialWindowSize"),
  SETTINGS_MAX_HEADER_LIST_SIZE: () => setting("maxHeaderListSize"),
  SETTINGS_ENABLE_PUSH: () => setting("enablePush"),
};

/** The rows of all tables: situation, and what the document says of either transport. */
function documented(): Map<string, Outcome> {
  const text = readFileSync(join(import.meta.dirname, "../../../docs/differences.md"), "utf8");
  const rows = Array.from(
    text.matchAll(/^\| (.+?) \| (.+?) \| (.+?) \| .+ \|$/gm),
    ([, name = "", left = "", right = ""]) => [name, [left, right] as const],
  );
  return new Map((rows as [string, Outcome][]).filter(([name]) => name !== "situation"));
}

const situations = { ...codes, ...texts, ...options, ...wire };

test("every row of docs/differences.md is run here, and nothing else is", () => {
  assert.deepEqual([...documented().keys()].sort(), Object.keys(situations).sort());
});

for (const [name, run] of Object.entries(situations)) {
  test(`docs/differences.md says what happens: ${name}`, async () => {
    const seen = await run();
    const said = documented().get(name) ?? [];
    const agrees = seen.every((one, index) => said[index]?.split(" or ").includes(one));
    if (!agrees) assert.deepEqual(seen, said);
  });
}
