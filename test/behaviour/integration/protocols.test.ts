import assert from "node:assert/strict";
import type { ServerHttp2Stream } from "node:http2";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { type GlinkTransportOptions, staticResolver } from "../../../src/index.ts";
import { type ConnectEchoBackend, startConnectEcho } from "../../support/echo-server.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { pureMethod } from "../../support/pure-method.ts";
import { glinkTransport } from "../../support/transport.ts";
import { collect, connectError, type OddPeer, startOddPeer, until, withGlink } from "./calls-harness.ts";

/* What a pool gives to calls, whichever of Connect's protocols they are written in. */

checkForLeaks();

type Answer = (stream: ServerHttp2Stream, attempt: number) => void;
type EchoClient = ReturnType<typeof createClient<typeof EchoService>>;

/** To a peer that answers the attempts of a call one after the other. */
async function withAnswers(
  answer: Answer,
  options: Partial<GlinkTransportOptions>,
  work: (client: EchoClient, peer: OddPeer, transport: Transport) => Promise<void>,
): Promise<void> {
  let attempts = 0;
  const start = () => startOddPeer((stream) => answer(stream, ++attempts));
  await withGlink(start, { protocol: "connect", ...options }, (transport, peer) =>
    work(createClient(EchoService, transport), peer, transport),
  );
}

const proto = { ":status": 200, "content-type": "application/proto" };

function succeed(stream: ServerHttp2Stream): void {
  stream.respond(proto, { endStream: true });
}

function fail(stream: ServerHttp2Stream, status: number, error: object, head: Record<string, string> = {}): void {
  stream.respond({ ":status": status, "content-type": "application/json", ...head });
  stream.end(JSON.stringify(error));
}

const backoff = { initialBackoffMs: 1, maxBackoffMs: 1 };

test("a Connect error that says unavailable is retried, and an HTML page of a proxy with 502 too", async () => {
  const answers: Answer[] = [
    (stream) => fail(stream, 503, { code: "unavailable", message: "starting" }),
    (stream) => {
      stream.respond({ ":status": 502, "content-type": "text/html" });
      stream.end("<h1>Bad Gateway</h1>");
    },
    succeed,
  ];
  const answer: Answer = (stream, attempt) => answers[attempt - 1]?.(stream, attempt);
  await withAnswers(answer, { retry: backoff }, async (client, peer) => {
    await client.unary({});
    assert.equal(peer.requests.length, 3);
  });
});

test("an HTML page where an answer should be says what it is, and where it came from", async () => {
  const texts: Record<number, RegExp> = {
    404: /HTTP 404 with text\/html: nothing answers at this path; is baseUrl right.*backend 127/,
    502: /HTTP 502 with text\/html: a proxy on the way got no answer of the server/,
    503: /HTTP 503 with text\/html: the server, or a proxy on the way, takes no requests/,
    307: /HTTP 307 with text\/html: a redirect to \/login, which is not followed/,
  };
  const codes: Record<number, Code> = { 404: Code.Unimplemented, 307: Code.Unknown };
  for (const protocol of ["grpc", "grpc-web", "connect"] as const) {
    for (const [status, text] of Object.entries(texts)) {
      const answer: Answer = (stream) => {
        stream.respond({ ":status": Number(status), "content-type": "text/html", location: "/login" });
        stream.end("<h1>no</h1>");
      };
      await withAnswers(answer, { protocol, retry: false }, async (client) => {
        const code = codes[Number(status)] ?? Code.Unavailable;
        await assert.rejects(client.unary({}), connectError(code, text));
        await assert.rejects(collect(client.serverStream({})), connectError(code, text));
      });
    }
  }
});

test("Retry-After of a Connect answer is its pushback", async () => {
  const answer: Answer = (stream, attempt) => {
    if (attempt > 1) succeed(stream);
    else fail(stream, 503, { code: "unavailable" }, { "retry-after": "0" });
  };
  // By its own backoff the retry would come after the deadline.
  const retry = { initialBackoffMs: 60_000, maxBackoffMs: 60_000, jitter: 0 };
  await withAnswers(answer, { retry }, async (client, peer) => {
    await client.unary({}, { timeoutMs: 20_000 });
    assert.equal(peer.requests.length, 2);
  });
});

test("a Retry-After that no timer holds ends the attempts", async () => {
  const answer: Answer = (stream) => fail(stream, 503, { code: "unavailable" }, { "retry-after": "99999999" });
  await withAnswers(answer, { retry: backoff }, async (client, peer) => {
    await assert.rejects(client.unary({}), connectError(Code.Unavailable));
    assert.equal(peer.requests.length, 1);
  });
});

test("the timeout that the wire says is what is left at each attempt", async () => {
  const answer: Answer = (stream, attempt) => {
    if (attempt > 1) return succeed(stream);
    setTimeout(() => fail(stream, 503, { code: "unavailable" }), 20);
  };
  await withAnswers(answer, { retry: backoff }, async (client, { requests }) => {
    await client.unary({}, { timeoutMs: 20_000 });
    const [first, second] = requests.map((headers) => Number(headers["connect-timeout-ms"]));
    assert.ok(Number(first) <= 20_000 && Number(second) < Number(first), `${first}, then ${second}`);
  });
});

test("half an answer is no answer: the call is lost with its stream, and can be repeated", async () => {
  const answer: Answer = (stream, attempt) => {
    if (attempt > 1) return succeed(stream);
    stream.respond({ ...proto, "content-length": "100" });
    stream.write("half");
    setTimeout(() => stream.session?.destroy(), 20);
  };
  await withAnswers(answer, { retry: false }, async (client) => {
    await assert.rejects(client.unary({}), connectError(Code.Unavailable, /GOAWAY|connection was lost/));
  });
  await withAnswers(answer, { retry: backoff }, async (client, { requests }) => {
    await client.unary({});
    assert.equal(requests.length, 2);
  });
});

test("an answer that ends before its content-length is an error, and no shorter message", async () => {
  const answer: Answer = (stream) => {
    stream.respond({ ...proto, "content-length": "100" });
    stream.end();
  };
  await withAnswers(answer, { retry: false }, async (client) => {
    await assert.rejects(client.unary({}), (error) => error instanceof ConnectError);
  });
});

test("a message that is announced above readMaxBytes is refused before it comes", async () => {
  const answer: Answer = (stream) => stream.respond({ ...proto, "content-length": "1001" });
  await withAnswers(answer, { readMaxBytes: 1_000 }, async (client) => {
    const text = /message size 1001 is larger than configured readMaxBytes 1000/;
    await assert.rejects(client.unary({}), connectError(Code.ResourceExhausted, text));
  });
});

test("a compressed error is read, and where it cannot be, its HTTP status still counts", async () => {
  const body = gzipSync(JSON.stringify({ code: "not_found", message: "gone" }));
  for (const [encoding, expected] of [
    ["gzip", connectError(Code.NotFound, /gone/)],
    ["zstd", connectError(Code.Unavailable, /HTTP 503 with an error that cannot be read: it is compressed as zstd/)],
  ] as const) {
    const answer: Answer = (stream) => {
      stream.respond({ ":status": 503, "content-type": "application/json", "content-encoding": encoding });
      stream.end(body);
    };
    await withAnswers(answer, { retry: false }, async (client) => {
      await assert.rejects(client.unary({}), expected);
    });
  }
});

test("a status that is compressed is not overtaken by a reset that follows it", async () => {
  const end = gzipSync(JSON.stringify({ error: { code: "aborted", message: "x".repeat(100_000) } }));
  const prefix = Buffer.alloc(5);
  prefix[0] = 3;
  prefix.writeUInt32BE(end.length, 1);
  const answer: Answer = (stream) => {
    const head = { "content-type": "application/connect+proto", "connect-content-encoding": "gzip" };
    stream.respond({ ":status": 200, ...head });
    stream.end(Buffer.concat([prefix, end]));
    stream.once("finish", () => setImmediate(() => stream.session?.destroy()));
  };
  await withAnswers(answer, { retry: false }, async (client) => {
    await assert.rejects(collect(client.serverStream({})), connectError(Code.Aborted));
  });
});

test("a call without side effects goes as GET, with its message in the URL, and can be repeated", async () => {
  const endedByHead: boolean[] = [];
  const answer: Answer = (stream, attempt) => {
    endedByHead.push(stream.endAfterHeaders);
    if (attempt > 1) succeed(stream);
    else fail(stream, 503, { code: "unavailable" });
  };
  await withAnswers(answer, { useHttpGet: true, retry: backoff }, async (client, { requests }, transport) => {
    await transport.unary(pureMethod, undefined, 20_000, { "x-a": "1" }, { text: "a" });
    assert.equal(requests.length, 2);
    assert.deepEqual(endedByHead, [true, true], "no empty DATA frame follows");
    const [first, second] = requests;
    const path = "/glink.demo.v1.EchoService/UnaryIdempotent?connect=v1&base64=1&encoding=proto&message=CgFh";
    assert.deepEqual([first?.[":method"], first?.[":path"], first?.["x-a"]], ["GET", path, "1"]);
    assert.equal(second?.[":path"], first?.[":path"]);
    assert.deepEqual([first?.["content-type"], first?.["connect-protocol-version"]], [undefined, undefined]);
    assert.ok(first?.["connect-timeout-ms"] !== undefined);
    await client.unary({});
    await transport.unary(pureMethod, undefined, undefined, undefined, { text: "a".repeat(10_000) });
    assert.deepEqual(
      requests.slice(2).map((headers) => headers[":method"]),
      ["POST", "POST"],
      "with side effects, or a URL that is too long",
    );
  });
});

test("a GET is what createConnectTransport sends, but for the headers that are of no use there", async () => {
  const seen: unknown[] = [];
  const peer = await startOddPeer((stream, headers) => {
    seen.push([headers[":method"], headers[":path"]]);
    succeed(stream);
  });
  const baseUrl = `http://${peer.address}`;
  const sessionManager = new Http2SessionManager(baseUrl);
  const options = { baseUrl, httpVersion: "2", useHttpGet: true } as const;
  const transport = glinkTransport({ ...options, protocol: "connect" });
  try {
    for (const one of [createConnectTransport({ ...options, sessionManager }), transport]) {
      await one.unary(pureMethod, undefined, undefined, undefined, { text: "ä?" });
    }
    assert.deepEqual(String(seen[1]).replace(/=+$/, ""), String(seen[0]).replace(/=+$/, ""));
  } finally {
    sessionManager.abort();
    await transport.close();
    await peer.close();
  }
});

for (const protocol of ["grpc-web", "connect"] as const) {
  test(`calls by ${protocol} are spread over a pool, and none fails when a backend shuts down`, async () => {
    const backends = [await startConnectEcho(), await startConnectEcho()];
    const [leaving, staying] = backends as [ConnectEchoBackend, ConnectEchoBackend];
    const resolver = staticResolver(backends.map(({ address }) => address));
    const transport = glinkTransport({ baseUrl: "http://echo.test", protocol, resolver });
    const client = createClient(EchoService, transport);
    try {
      await transport.ready();
      await until(() => transport.snapshot().subchannels.every(({ state }) => state === "ready"), "both are ready");
      for (let i = 0; i < 10; i++) await client.unary({});
      assert.deepEqual(
        backends.map(({ counters }) => counters.executions),
        [5, 5],
      );
      const stopped = leaving.shutDownGracefully();
      for (let i = 0; i < 20; i++) await client.unary({});
      await stopped;
      assert.ok(staying.counters.executions >= 20);
      const { protocol: shown } = transport.snapshot();
      assert.equal(shown, protocol);
    } finally {
      await transport.close({ timeoutMs: 0 });
      for (const backend of backends) await backend.close();
    }
  });
}

for (const protocol of ["grpc-web", "connect"] as const) {
  test(`a call by ${protocol} that is slow is sent to a second backend, where it may be`, async () => {
    const backends = [await startConnectEcho(), await startConnectEcho()];
    const resolver = staticResolver(backends.map(({ address }) => address));
    const hedging = { delayMs: 20, maxAttempts: 2 };
    const transport = glinkTransport({ baseUrl: "http://echo.test", protocol, resolver, hedging });
    try {
      await transport.ready();
      await until(() => transport.snapshot().subchannels.every(({ state }) => state === "ready"), "both are ready");
      const request = { text: "a", behavior: { delayMs: 300 } };
      assert.equal((await createClient(EchoService, transport).unaryIdempotent(request)).text, "a");
      assert.deepEqual(
        backends.map(({ counters }) => counters.executions),
        [1, 1],
      );
    } finally {
      await transport.close({ timeoutMs: 0 });
      for (const backend of backends) await backend.close();
    }
  });
}

test("health is asked by the protocol of the calls, in binary, whatever their format is", async () => {
  const serving = Uint8Array.of(8, 1);
  const watched: unknown[] = [];
  const answer: Answer = (stream, attempt) => {
    if (attempt > 1) {
      stream.respond({ ":status": 200, "content-type": "application/json" });
      stream.end("{}");
      return;
    }
    stream.respond({ ":status": 200, "content-type": "application/connect+proto" });
    stream.write(Buffer.concat([Uint8Array.of(0, 0, 0, 0, serving.length), serving]));
  };
  const options = { useBinaryFormat: false, healthCheck: { service: "echo" } };
  await withAnswers(answer, options, async (client, { requests }) => {
    await client.unary({});
    for (const headers of requests) watched.push([headers[":path"], headers["content-type"]]);
    assert.deepEqual(watched, [
      ["/grpc.health.v1.Health/Watch", "application/connect+proto"],
      ["/glink.demo.v1.EchoService/Unary", "application/json"],
    ]);
  });
});

test("options of protocols that cannot be are refused with the reason", () => {
  const make = (options: object) => () => glinkTransport({ baseUrl: "http://echo.test", ...options });
  assert.throws(make({ protocol: "http" }), /protocol must be "grpc", "grpc-web" or "connect", not the string "http"/);
  assert.throws(
    make({ httpVersion: "1.1" }),
    /httpVersion must be "2", not the string "1.1": the calls of a pool share/,
  );
  assert.throws(make({ useHttpGet: true }), /useHttpGet needs protocol "connect"/);
  assert.throws(make({ protocol: "connect", useHttpGet: "yes" }), /useHttpGet must be/);
});

for (const protocol of ["connect", "grpc-web"] as const) {
  test(`a te header of the caller's, which HTTP/2 forbids, does not get a call of ${protocol} reset`, () =>
    withGlink(
      () => startConnectEcho(),
      { protocol },
      async (transport) => {
        const { text } = await createClient(EchoService, transport).unary({ text: "hi" }, { headers: { te: "gzip" } });
        assert.equal(text, "hi");
      },
    ));
}
