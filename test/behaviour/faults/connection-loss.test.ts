import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { staticResolver } from "../../../src/index.ts";
import { startConnectEcho } from "../../support/echo-server.ts";
import { startFaultyNetwork } from "../../support/faulty-network.ts";
import type { PeerRequest } from "../../support/frame-peer.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { glinkTransport } from "../../support/transport.ts";
import { transportTo, tryUnary, until, withPeer } from "./fault-call.ts";

checkForLeaks();

const before: readonly { when: string; send: (request: PeerRequest) => void }[] = [
  { when: "before response headers", send: () => undefined },
  { when: "after response headers", send: (request) => request.headers() },
  {
    when: "within a message",
    send: (request) => {
      request.headers();
      request.message(Buffer.alloc(100), 50);
    },
  },
  {
    when: "after the whole message, without trailers",
    send: (request) => {
      request.headers();
      request.message();
    },
  },
];

const ends: readonly { name: string; end: (request: PeerRequest) => void }[] = [
  { name: "FIN", end: ({ connection }) => connection.socket.end() },
  // The bytes before a RST are lost if it overtakes them: it waits until the client has read.
  { name: "RST", end: ({ connection }) => setTimeout(() => connection.abort(), 50) },
];

for (const { when, send } of before) {
  for (const { name, end } of ends) {
    test(`${name} ${when}: Unavailable, and the request may have run`, () =>
      withPeer(
        {
          onRequest: (request) => {
            send(request);
            end(request);
          },
        },
        async (transport, peer) => {
          const outcome = await tryUnary(transport);
          assert.equal(outcome.code, "Unavailable");
          assert.match(outcome.message, /the connection was lost/);
          assert.ok(outcome.message.includes(peer.address), outcome.message);
          assert.deepEqual(
            outcome.attempts.map(({ progress }) => progress),
            ["unknown"],
          );
          assert.equal(peer.requests.length, 1, "one attempt, one request");
        },
      ));
  }
}

test("with default retries a unary call repeats what a lost connection interrupted, before its headers or within its message", () =>
  withPeer(
    {
      onRequest: (request, index) => {
        if (index === 1) request.connection.socket.end();
        else if (index !== 3) request.ok();
        else {
          request.headers();
          request.message(Buffer.alloc(100), 50);
          request.connection.socket.end();
        }
      },
    },
    async (transport, peer) => {
      // A backend that has answered is dialled again at once when it is lost.
      assert.equal((await tryUnary(transport, { retry: "default" })).code, undefined);
      assert.equal((await tryUnary(transport, { retry: "default" })).code, undefined);
      assert.equal(peer.requests.length, 3);
      assert.equal((await tryUnary(transport, { retry: "default" })).code, undefined);
      assert.equal(peer.requests.length, 5);
    },
  ));

test("a reset by a server that noticed the deadline first is DeadlineExceeded", () =>
  withPeer({ onRequest: (request) => setTimeout(() => request.reset(8), 60) }, async (transport) => {
    const outcome = await tryUnary(transport, { timeoutMs: 60 });
    assert.equal(outcome.code, "DeadlineExceeded");
  }));

test("a dead link without a deadline: the call ends after ping interval and timeout, and the next one is on a new connection", () =>
  withPeer(
    {
      onHeaders: (request, index) => {
        if (index !== 1) request.ok();
      },
      answersPings: false,
    },
    async (transport, peer) => {
      await tryUnary(transport);
      const outcome = await tryUnary(transport, { timeoutMs: 0 });
      assert.equal(outcome.code, "Unavailable");
      assert.match(outcome.message, /a PING got no answer/);
      assert.equal((await tryUnary(transport)).code, undefined);
      assert.equal(peer.connections.length, 2);
    },
    { pingIntervalMs: 200, pingTimeoutMs: 100 },
  ));

test("a peer that breaks HTTP/2 and keeps the connection open: the call ends by PING, the next is on a new connection", () =>
  withPeer(
    {
      onRequest: (request, index) => {
        // An index beyond any HPACK table.
        if (index === 1) request.connection.frame(1, 4, request.id, Buffer.from([0xff, 0xff, 0x7f]));
        else request.ok();
      },
    },
    async (transport, peer) => {
      await tryUnary(transport);
      const outcome = await tryUnary(transport, { timeoutMs: 0 });
      assert.ok(outcome.code === "Unavailable" || outcome.code === "Internal", outcome.code);
      assert.equal((await tryUnary(transport)).code, undefined);
      assert.equal(peer.connections.length, 2);
    },
    { pingIntervalMs: 200, pingTimeoutMs: 100 },
  ));

test("a link that dies under a large upload: the call ends by PING, and the clogged socket goes too", async () => {
  const backend = await startConnectEcho();
  const network = await startFaultyNetwork(backend.address);
  const sockets: Socket[] = [];
  const createConnection = (url: URL) => {
    sockets.push(connect(Number(url.port), url.hostname));
    return sockets.at(-1) as Socket;
  };
  const nodeOptions = { createConnection };
  const transport = transportTo([network.address], { pingIntervalMs: 200, pingTimeoutMs: 100, nodeOptions });
  try {
    assert.equal((await tryUnary(transport)).code, undefined);
    network.stall();
    const outcome = await tryUnary(transport, { timeoutMs: 0, payloadBytes: 50_000_000 });
    assert.equal(outcome.code, "Unavailable");
    assert.match(outcome.message, /a PING got no answer/);
    await until(() => sockets[0]?.destroyed === true, "the socket is gone, though its bytes never left");
  } finally {
    await transport.close();
    await network.close();
    await backend.close();
  }
});

test("request and response bodies larger than every window arrive whole", async () => {
  const backend = await startConnectEcho();
  const transport = transportTo([backend.address]);
  try {
    const payload = new Uint8Array(3_000_000).fill(7);
    const response = await createClient(EchoService, transport).unary({ payload }, { timeoutMs: 30_000 });
    assert.deepEqual(Buffer.compare(response.payload, payload), 0);
  } finally {
    await transport.close();
    await backend.close();
  }
});

test("calls on a Node server that destroys its session are lost connections, every one of them", async () => {
  const backend = await startConnectEcho();
  const transport = glinkTransport({
    baseUrl: "http://echo.test",
    resolver: staticResolver([backend.address]),
    retry: false,
  });
  try {
    await transport.ready();
    const client = createClient(EchoService, transport);
    const calls = Array.from({ length: 5 }, () => client.unary({ behavior: { delayMs: 60_000 } }));
    const codes = Promise.all(
      calls.map((call) =>
        call.then(
          () => 0,
          (error: unknown) => ConnectError.from(error).code,
        ),
      ),
    );
    while (backend.counters.running < 5) await new Promise((resolve) => setTimeout(resolve, 5));
    for (const session of backend.sessions) session.destroy();
    assert.deepEqual(
      await codes,
      Array.from({ length: 5 }, () => Code.Unavailable),
    );
  } finally {
    await transport.close();
    await backend.close();
  }
});
