import assert from "node:assert/strict";
import { createServer as createHttp2Server, type ServerHttp2Session } from "node:http2";
import { type AddressInfo, createServer } from "node:net";
import { test } from "node:test";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { pickFirst, staticResolver } from "../../../src/index.ts";
import { startConnectEcho } from "../../support/echo-server.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { until } from "../../support/load.ts";
import { glinkTransport } from "../../support/transport.ts";
import { startVirtualAddress } from "../../support/virtual-address.ts";
import { withPeer } from "../faults/fault-call.ts";
import { callMany, readyCount, withPool } from "./pool-harness.ts";

checkForLeaks();

/** Answers every call with an empty message: a fraction of a real server's work, where many calls are only counted. */
async function startBareServer({ goawayAfter = Number.POSITIVE_INFINITY } = {}) {
  let calls = 0;
  let connections = 0;
  const streams = new WeakMap<object, number>();
  const sessions = new Set<ServerHttp2Session>();
  const server = createHttp2Server();
  server.on("session", (session) => {
    connections++;
    sessions.add(session);
    session.on("error", () => undefined);
    session.once("close", () => sessions.delete(session));
  });
  server.on("stream", (stream) => {
    calls++;
    const { session } = stream;
    if (session !== undefined) {
      const count = (streams.get(session) ?? 0) + 1;
      streams.set(session, count);
      if (count === goawayAfter) session.close();
    }
    stream.on("error", () => undefined);
    stream.respond({ ":status": 200, "content-type": "application/grpc+proto" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.resume();
    stream.end(Buffer.alloc(5));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const close = async () => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const session of sessions) session.destroy();
    await closed;
  };
  return { address: `127.0.0.1:${port}`, calls: () => calls, connections: () => connections, close };
}

test("3 000 sequential calls over 3 addresses are 1 000 each", async () => {
  const servers = await Promise.all([startBareServer(), startBareServer(), startBareServer()]);
  const transport = glinkTransport({
    baseUrl: "http://echo.test:1",
    resolver: staticResolver(servers.map(({ address }) => address)),
  });
  try {
    await transport.ready();
    await until("all are ready", () => readyCount(transport) === 3);
    const client = createClient(EchoService, transport);
    for (let i = 0; i < 3_000; i++) await client.unary({ text: "x" });
    for (const { calls } of servers) assert.ok(Math.abs(calls() - 1_000) <= 1, `${calls()} calls`);
  } finally {
    await transport.close();
    await Promise.all(servers.map((server) => server.close()));
  }
});

test("the first calls of 50 fresh clients spread over 5 addresses", async () => {
  const backends = await Promise.all(Array.from({ length: 5 }, () => startConnectEcho()));
  try {
    for (let i = 0; i < 50; i++) {
      const transport = glinkTransport({
        baseUrl: "http://echo.test:1",
        resolver: staticResolver(backends.map(({ address }) => address)),
      });
      await createClient(EchoService, transport).unary({ text: "x" });
      await transport.close();
    }
    for (const { counters, address } of backends) {
      // Expected 10; more than 20 comes by chance once in a few thousand runs.
      assert.ok(counters.executions <= 22, `${counters.executions} of 50 went to ${address}`);
    }
  } finally {
    await Promise.all(backends.map((backend) => backend.close()));
  }
});

test("one address that refuses: no call fails, and its share moves to the others", async () => {
  const gone = await startConnectEcho();
  await gone.close();
  await withPool({ servers: 2, addresses: [gone.address] }, async ({ client, backends }) => {
    await callMany(client, 100, 10);
    for (const { counters } of backends) assert.ok(counters.executions > 30);
  });
});

test("all backends down, then up again: calls fail as Unavailable, and succeed within the backoff", async () => {
  await withPool({ servers: 1, transport: { retry: false } }, async ({ client, backends, transport }) => {
    await client.unary({ text: "x" });
    const { port } = backends[0] as { port: number };
    await backends[0]?.close();
    await until("the loss is noticed", () => readyCount(transport) === 0);
    const failure = await client.unary({ text: "x" }).then(
      () => undefined,
      (error: unknown) => ConnectError.from(error),
    );
    assert.equal(failure?.code, Code.Unavailable);
    assert.match(failure?.rawMessage ?? "", /ECONNREFUSED/);
    const waiting = createClient(EchoService, transport).unary({ text: "waits" }, { timeoutMs: 20_000 });
    waiting.catch(() => undefined);
    const again = await startConnectEcho({ port });
    const upMs = performance.now();
    try {
      await transport.ready({ timeoutMs: 15_000 });
      // The backoff has had little time to grow; a slow machine gets its allowance.
      assert.ok(performance.now() - upMs < 5_000);
      await client.unary({ text: "x" });
      await waiting.catch(() => undefined);
    } finally {
      await transport.close();
      await again.close();
    }
  });
});

test("calls that wait for ready outlast a time without backends", async () => {
  await withPool({ servers: 1, transport: { waitForReady: true } }, async ({ client, backends, transport }) => {
    await client.unary({ text: "x" });
    const { port } = backends[0] as { port: number };
    await backends[0]?.close();
    await until(
      "the loss is noticed",
      () => transport.snapshot().subchannels[0]?.lastError !== undefined || readyCount(transport) === 0,
    );
    const waiting = Array.from({ length: 5 }, () => client.unary({ text: "waits" }, { timeoutMs: 20_000 }));
    await until("a dial has failed", () => transport.snapshot().subchannels[0]?.state === "transient-failure");
    const again = await startConnectEcho({ port });
    try {
      assert.equal((await Promise.all(waiting)).length, 5);
    } finally {
      await transport.close();
      await again.close();
    }
  });
});

/** A port that accepts connections and never says a word. */
async function withMute(work: (address: string) => Promise<void>): Promise<void> {
  const sockets = new Set<{ destroy(): void }>();
  const mute = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.resume();
  });
  await new Promise<void>((resolve) => mute.listen(0, "127.0.0.1", resolve));
  try {
    await work(`127.0.0.1:${(mute.address() as { port: number }).port}`);
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => mute.close(() => resolve()));
  }
}

test("one address that accepts and stays silent delays no call", () =>
  withMute((mute) =>
    withPool(
      { servers: 2, addresses: [mute], transport: { connectTimeoutMs: 300 } },
      async ({ client, events, backends }) => {
        await callMany(client, 50, 10);
        await until("the connect timeout", () =>
          events.some((event) => event.type === "subchannel-state" && event.error?.kind === "connect-timeout"),
        );
        await callMany(client, 50, 10);
        assert.equal(backends[0]?.counters.executions === 0 || backends[1]?.counters.executions === 0, false);
      },
    ),
  ));

test("pickFirst goes past a silent first address without waiting for its connect timeout", () =>
  withMute((mute) =>
    withPool(
      {
        servers: 1,
        transport: { loadBalancing: pickFirst(), connectTimeoutMs: 60_000 },
      },
      async ({ client, events, transport, resolver, backends }) => {
        resolver.set(mute, backends[0]?.address ?? "");
        await callMany(client, 10, 1);
        const states = events.flatMap((event) =>
          event.type === "subchannel-state" && event.address === mute ? [event.to] : [],
        );
        assert.deepEqual(states, ["connecting", "idle"]);
        assert.equal(transport.snapshot().subchannels.filter(({ state }) => state === "ready").length, 1);
      },
    ),
  ));

test("60 calls at once on a cold pool stay within the server's limit of 10 streams, and all succeed", async () => {
  for (const servers of [1, 3]) {
    await withPool({ servers, server: { maxConcurrentStreams: 10 } }, async ({ client, backends }) => {
      const calls = Array.from({ length: 60 }, () =>
        client.unary({ behavior: { delayMs: 20 } }, { timeoutMs: 20_000 }),
      );
      assert.equal((await Promise.all(calls)).length, 60);
      for (const { counters } of backends) assert.ok(counters.maxRunning <= 10, `${counters.maxRunning} at once`);
    });
  }
});

test("calls beyond maxQueuedCalls fail with ResourceExhausted", async () => {
  const server = { maxConcurrentStreams: 1 };
  await withPool({ servers: 1, server, transport: { maxQueuedCalls: 2 } }, async ({ client }) => {
    await client.unary({ text: "x" });
    const calls = Array.from({ length: 5 }, () => client.unary({ behavior: { delayMs: 50 } }, { timeoutMs: 20_000 }));
    const ends = await Promise.allSettled(calls);
    const failed = ends.filter((end) => end.status === "rejected");
    // The slot of the first call may not be free yet.
    assert.ok(failed.length === 2 || failed.length === 3, `${failed.length} failed`);
    for (const { reason } of failed) assert.equal(ConnectError.from(reason).code, Code.ResourceExhausted);
  });
});

test("calls whose requests do not fit into maxQueuedBytes fail with ResourceExhausted, and the others get their turn", async () => {
  const server = { maxConcurrentStreams: 1 };
  await withPool({ servers: 1, server, transport: { maxQueuedBytes: 250_000 } }, async ({ client }) => {
    await client.unary({ text: "x" });
    const request = { payload: new Uint8Array(100_000), behavior: { delayMs: 50 } };
    const ends = await Promise.allSettled(
      Array.from({ length: 6 }, () => client.unary(request, { timeoutMs: 20_000 })),
    );
    const failed = ends.filter((end) => end.status === "rejected");
    // The slot of the first call may not be free yet.
    assert.ok(failed.length === 3 || failed.length === 4, `${failed.length} failed`);
    for (const { reason } of failed) {
      assert.equal(ConnectError.from(reason).code, Code.ResourceExhausted);
      assert.match(
        ConnectError.from(reason).rawMessage,
        /beside which one of .* does not fit \(maxQueuedBytes 250000\)/,
      );
    }
  });
});

test("servers that say GOAWAY after each 100 requests fail no call of 2 000 at concurrency 50", async () => {
  const servers = [await startBareServer({ goawayAfter: 100 }), await startBareServer({ goawayAfter: 100 })];
  const resolver = staticResolver(servers.map(({ address }) => address));
  const transport = glinkTransport({ baseUrl: "http://echo.test:1", resolver });
  try {
    await callMany(createClient(EchoService, transport), 2_000, 50);
    assert.ok(servers.every(({ connections }) => connections() > 3));
  } finally {
    await transport.close();
    await Promise.all(servers.map((server) => server.close()));
  }
});

test("100 calls that outlive their deadline on a healthy server replace no connection", async () => {
  await withPool(
    { servers: 1, transport: { pingTimeoutMs: 5_000 } },
    async ({ client, backends, events, resolver }) => {
      await client.unary({ text: "x" });
      const refreshes = resolver.refreshes;
      for (let round = 0; round < 4; round++) {
        const calls = Array.from({ length: 25 }, () =>
          client.unary({ behavior: { delayMs: 5_000 } }, { timeoutMs: 50 }),
        );
        for (const end of await Promise.allSettled(calls)) {
          assert.equal(end.status, "rejected");
          assert.equal(ConnectError.from(end.reason).code, Code.DeadlineExceeded);
        }
      }
      await client.unary({ text: "x" });
      assert.equal(backends[0]?.connections(), 1);
      assert.ok(events.some(({ type }) => type === "subchannel-suspect"));
      assert.equal(
        events.filter(({ type }) => type === "subchannel-state").length,
        2,
        "idle, connecting, ready: no more",
      );
      assert.equal(resolver.refreshes, refreshes);
    },
  );
});

test("a frozen connection is found by the PING that a timed-out call draws, and replaced", async () => {
  const server = await startConnectEcho();
  const proxy = await startVirtualAddress([server.port]);
  const transport = { pingTimeoutMs: 200, retry: false } as const;
  try {
    await withPool({ servers: 0, addresses: [proxy.address], transport }, async ({ client, events }) => {
      await client.unary({ text: "x" });
      proxy.freeze();
      const unending = client.unary({ text: "no deadline" });
      unending.catch(() => undefined);
      await assert.rejects(client.unary({ text: "x" }, { timeoutMs: 100 }), /timed out/);
      await assert.rejects(unending, (error) => ConnectError.from(error).code === Code.Unavailable);
      assert.equal((await client.unary({ text: "again" }, { timeoutMs: 10_000 })).text, "again");
      assert.equal(proxy.connections(), 2);
      assert.ok(events.some((event) => event.type === "subchannel-suspect" && event.reason === "deadline"));
      assert.ok(
        events.some((event) => event.type === "subchannel-state" && event.error?.kind === "ping-timeout"),
        "the loss is reported with its reason",
      );
    });
  } finally {
    await proxy.close();
    await server.close();
  }
});

test("a frozen connection is found by silence alone: a call without a deadline is retried on a new socket", async () => {
  const server = await startConnectEcho();
  const proxy = await startVirtualAddress([server.port]);
  const transport = { pingIntervalMs: 300, pingTimeoutMs: 200 };
  try {
    await withPool({ servers: 0, addresses: [proxy.address], transport }, async ({ client, events }) => {
      await client.unary({ text: "x" });
      proxy.freeze();
      assert.equal((await client.unary({ text: "again" })).text, "again");
      assert.equal(proxy.connections(), 2);
      assert.ok(events.some((event) => event.type === "subchannel-suspect" && event.reason === "silence"));
    });
  } finally {
    await proxy.close();
    await server.close();
  }
});

test("a call that waits for a slot is served, though callers abort and call again in the same tick", () =>
  withPeer(
    {
      // One stream at a time, and an answer for the first two calls that get there after the one that is given up. Node's
      // own server refuses a stream that comes in the packet in which another was reset.
      settings: [3, 1],
      onRequest: (request, index) => {
        if (index !== 1) request.ok();
      },
    },
    async (transport, peer) => {
      const client = createClient(EchoService, transport);
      await client.unary({});
      const served: string[] = [];
      let controller = new AbortController();
      const begin = (name: string) => {
        controller = new AbortController();
        client.unary({}, { signal: controller.signal }).then(
          () => served.push(name),
          () => undefined,
        );
      };
      begin("given up");
      await until("it has the only slot", () => peer.requests.length === 2);
      const patient = client.unary({}, { timeoutMs: 10_000 }).then(() => served.push("patient"));
      controller.abort();
      begin("newcomer");
      await patient;
      await until("both are served", () => served.length === 2);
      assert.deepEqual(served, ["patient", "newcomer"]);
    },
  ));
