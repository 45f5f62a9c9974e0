import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { staticResolver } from "../../../src/index.ts";
import { setting } from "../../support/frame-peer.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { glinkTransport } from "../../support/transport.ts";
import { tryUnary, until, withPeer } from "./fault-call.ts";

checkForLeaks();

test("MAX_CONCURRENT_STREAMS 1 and 50 calls: never two at once, and all succeed in order", () =>
  withPeer(
    {
      settings: [setting.maxConcurrentStreams, 1],
      onRequest: (request) => setTimeout(() => request.ok(), 1),
    },
    async (transport, peer) => {
      const outcomes = await Promise.all(Array.from({ length: 50 }, () => tryUnary(transport)));
      assert.ok(outcomes.every(({ code }) => code === undefined));
      assert.equal(peer.connections.length, 1);
      assert.equal(peer.connections[0]?.maxOpen, 1);
    },
  ));

test("MAX_CONCURRENT_STREAMS 1 and a health check: calls have the one stream, and the server is not asked", () =>
  withPeer(
    {
      settings: [setting.maxConcurrentStreams, 1],
      onRequest: (request) => request.ok(),
    },
    async (transport, peer) => {
      const outcomes = await Promise.all(Array.from({ length: 5 }, () => tryUnary(transport)));
      assert.ok(outcomes.every(({ code }) => code === undefined));
      assert.equal(peer.requests.length, 5);
    },
    { healthCheck: { service: "" } },
  ));

test("calls that time out free their stream slot, and the limit still holds", () =>
  withPeer(
    {
      settings: [setting.maxConcurrentStreams, 2],
      onRequest: (request, index) => {
        if (index >= 2) request.ok();
      },
    },
    async (transport, peer) => {
      await transport.ready();
      const slow = [tryUnary(transport, { timeoutMs: 100 }), tryUnary(transport, { timeoutMs: 100 })];
      const queued = Array.from({ length: 10 }, () => tryUnary(transport));
      for (const outcome of await Promise.all(slow)) assert.equal(outcome.code, "DeadlineExceeded");
      for (const outcome of await Promise.all(queued)) assert.equal(outcome.code, undefined, outcome.message);
      assert.equal(peer.connections[0]?.maxOpen, 2);
    },
  ));

test("a limit that is lowered below what is open holds for later calls, and a raised one lets them through", () =>
  withPeer({ settings: [setting.maxConcurrentStreams, 4], onRequest: () => undefined }, async (transport, peer) => {
    await transport.ready();
    const calls = Array.from({ length: 4 }, () => tryUnary(transport));
    await until(() => peer.requests.length === 4, "four are open");
    const [connection] = peer.connections;
    connection?.settings([setting.maxConcurrentStreams, 2]);
    calls.push(tryUnary(transport), tryUnary(transport), tryUnary(transport));
    peer.requests[0]?.ok();
    peer.requests[1]?.ok();
    await Promise.all(calls.slice(0, 2));
    assert.equal(peer.requests.length, 4, "two are open, which is the limit");
    peer.requests[2]?.ok();
    await until(() => peer.requests.length === 5, "a slot is free, and taken");
    connection?.settings([setting.maxConcurrentStreams, 100]);
    await until(() => peer.requests.length === 7, "all are open");
    for (const request of peer.requests.slice(3)) request.ok();
    for (const outcome of await Promise.all(calls)) assert.equal(outcome.code, undefined, outcome.message);
  }));

test("a limit that is lowered as calls are made: those that it holds up are sent once", () =>
  withPeer({ onRequest: (request) => setTimeout(() => request.ok(), 5) }, async (transport, peer) => {
    await transport.ready();
    // In a timer: what the peer says now is read before what is requested now leaves.
    await sleep(1);
    peer.connections[0]?.settings([setting.maxConcurrentStreams, 1]);
    const calls = Array.from({ length: 4 }, () => tryUnary(transport));
    for (const { code, message } of await Promise.all(calls)) assert.equal(code, undefined, message);
    assert.equal(peer.requests.length, 4);
  }));

test("MAX_CONCURRENT_STREAMS 0 from the start: Unavailable, and it says so", () =>
  withPeer({ settings: [setting.maxConcurrentStreams, 0] }, async (transport) => {
    const outcome = await tryUnary(transport);
    assert.equal(outcome.code, "Unavailable");
    assert.match(outcome.message, /MAX_CONCURRENT_STREAMS is 0/);
  }));

test("MAX_CONCURRENT_STREAMS that drops to 0: open calls finish, later ones go to a new connection", () =>
  withPeer(
    {
      onRequest: (request, index) => {
        if (index !== 1) request.ok();
      },
    },
    async (transport, peer) => {
      await tryUnary(transport);
      const open = tryUnary(transport);
      await until(() => peer.requests.length === 2, "the call is open");
      peer.connections[0]?.settings([setting.maxConcurrentStreams, 0]);
      await until(() => peer.connections.length === 2, "a new connection is made");
      assert.equal((await tryUnary(transport)).code, undefined);
      peer.requests[1]?.ok();
      assert.equal((await open).code, undefined);
    },
  ));

test("a server that takes its streams back in the same breath: calls that it holds up go to another backend", async () => {
  const [stingy, healthy] = [createServer(), createServer()];
  const sessions = new Set<ServerHttp2Session>();
  for (const server of [stingy, healthy]) {
    server.on("session", (session) => sessions.add(session));
    server.on("stream", (stream) => {
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.end(Buffer.alloc(5));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
  }
  stingy.on("session", (session) => session.settings({ maxConcurrentStreams: 0 }));
  const addresses = [stingy, healthy].map((server) => `127.0.0.1:${(server.address() as AddressInfo).port}`);
  const transport = glinkTransport({ baseUrl: "http://echo.test", resolver: staticResolver(addresses) });
  try {
    const outcomes = await Promise.all(Array.from({ length: 12 }, () => tryUnary(transport)));
    assert.deepEqual(
      outcomes.map(({ code }) => code),
      outcomes.map(() => undefined),
    );
    assert.equal(transport.snapshot().openCalls, 0);
  } finally {
    await transport.close();
    for (const session of sessions) session.destroy();
    for (const server of [stingy, healthy]) server.close();
  }
});
