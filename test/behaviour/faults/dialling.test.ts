import assert from "node:assert/strict";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { test } from "node:test";
import { checkForLeaks } from "../../support/leaks.ts";
import { transportTo, tryUnary, until, withPeer } from "./fault-call.ts";

checkForLeaks();

/** A TCP server that does `behave` with each socket; resolves with what `body` returned. */
async function withServer<T>(
  behave: (socket: Socket) => void,
  body: (address: string, accepted: () => number) => Promise<T>,
): Promise<T> {
  const sockets = new Set<Socket>();
  let accepted = 0;
  const server = createServer((socket) => {
    accepted++;
    sockets.add(socket);
    socket.on("error", () => undefined);
    behave(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    return await body(`127.0.0.1:${(server.address() as AddressInfo).port}`, () => accepted);
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
}

const peers: readonly { name: string; behave: (socket: Socket) => void; message: RegExp }[] = [
  {
    name: "closes each connection at once",
    behave: (socket) => socket.end(),
    message: /before the peer sent its SETT/,
  },
  { name: "resets each connection", behave: (socket) => socket.resetAndDestroy(), message: /ECONNRESET/ },
  {
    name: "speaks HTTP/1.1",
    behave: (socket) => socket.once("data", () => socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")),
    message: /not HTTP\/2, is this an HTTP\/1.1 or a TLS port\?/,
  },
  {
    name: "speaks HTTP/1.1 and leaves the connection open",
    behave: (socket) => socket.once("data", () => socket.write("HTTP/1.1 400 Bad Request\r\n\r\n")),
    message: /not HTTP\/2, is this an HTTP\/1.1 or a TLS port\?/,
  },
  {
    name: "accepts and says nothing",
    behave: () => undefined,
    message: /connecting took longer than connectTimeoutMs 300: no answer to the HTTP\/2 SETTINGS/,
  },
];

for (const { name, behave, message } of peers) {
  test(`a peer that ${name}: the call fails with Unavailable and says why`, () =>
    withServer(behave, async (address) => {
      const transport = transportTo([address], { connectTimeoutMs: 300 });
      try {
        const outcome = await tryUnary(transport);
        assert.equal(outcome.code, "Unavailable");
        assert.match(outcome.message, message);
        assert.ok(outcome.message.includes(address), outcome.message);
        assert.ok(outcome.elapsedMs < 4_000, "as soon as it is known, whatever else the event loop waits for");
        assert.deepEqual(
          outcome.attempts.map(({ progress }) => progress),
          ["unsent"],
        );
      } finally {
        await transport.close();
      }
    }));
}

test("a port where nobody listens: Unavailable with ECONNREFUSED in the text and the cause", async () => {
  const address = await withServer(
    () => undefined,
    async (free) => free,
  );
  const transport = transportTo([address]);
  try {
    const outcome = await tryUnary(transport);
    assert.equal(outcome.code, "Unavailable");
    assert.match(outcome.message, /cannot connect: .*ECONNREFUSED/);
    assert.equal((outcome.error?.cause as NodeJS.ErrnoException | undefined)?.code, "ECONNREFUSED");
    assert.equal(outcome.attempts[0]?.progress, "unsent");
  } finally {
    await transport.close();
  }
});

test("a peer that closes each connection is not dialled again before the backoff is over", () =>
  withServer(
    (socket) => socket.end(),
    async (address, accepted) => {
      const transport = transportTo([address], { reconnectBackoff: { initialBackoffMs: 60_000 } });
      try {
        for (let i = 0; i < 20; i++) assert.equal((await tryUnary(transport)).code, "Unavailable");
        assert.equal(accepted(), 1);
      } finally {
        await transport.close();
      }
    },
  ));

test("a backend is ready only after its SETTINGS", () =>
  withPeer(
    { settings: false, onConnection: (connection) => setTimeout(() => connection.settings([]), 100) },
    async (transport, peer) => {
      const ready = transport.ready();
      await until(() => peer.connections.length === 1, "the peer has accepted");
      assert.equal(transport.snapshot().state, "connecting");
      await ready;
    },
  ));

test("a server that greets after 1.7 s is reached by calls of 500 ms, though no call is open when it does", () =>
  withPeer(
    {
      settings: false,
      onConnection: (connection) => setTimeout(() => connection.settings([]), 1_700).unref(),
      onRequest: (request) => request.ok(),
    },
    async (transport, peer) => {
      assert.equal((await tryUnary(transport, { timeoutMs: 500 })).code, "DeadlineExceeded");
      await until(() => transport.snapshot().subchannels[0]?.state === "ready", "the dial has ended");
      assert.equal((await tryUnary(transport, { timeoutMs: 5_000 })).code, undefined);
      assert.equal(peer.connections.length, 1);
    },
  ));

test("a deadline shorter than connectTimeoutMs against a silent port names the address, and what was not answered", () =>
  withServer(
    // TCP is answered, HTTP/2 is not.
    (socket) => socket.resume(),
    async (address) => {
      const transport = transportTo([address]);
      try {
        const outcome = await tryUnary(transport, { timeoutMs: 300 });
        const text = `the operation timed out (no connection was ready, ${address} has not answered the HTTP/2 SETTINGS)`;
        assert.deepEqual([outcome.code, outcome.message], ["DeadlineExceeded", text]);
      } finally {
        await transport.close();
      }
    },
  ));
