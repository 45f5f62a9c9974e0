import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Code, createClient } from "@connectrpc/connect";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import {
  type ChannelView,
  type GlinkEvent,
  type Instrumentation,
  type Logger,
  staticResolver,
  unixResolver,
} from "../../../src/index.ts";
import { recordEvents } from "../../../src/testing/index.ts";
import { ca, serverIdentity } from "../../support/certificates.ts";
import { startConnectEcho } from "../../support/echo-server.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { until } from "../../support/load.ts";
import { noUnixSockets } from "../../support/platform.ts";
import { glinkTransport } from "../../support/transport.ts";

/*
 * What a transport tells of itself, on real sockets: snapshots, events and what instrumentation is given.
 */

checkForLeaks();

test("a snapshot counts calls, attempts, dials and bytes, for the transport, for each backend and for each connection", async () => {
  const backend = await startConnectEcho();
  const transport = glinkTransport({
    baseUrl: `http://localhost:${backend.port}`,
    resolver: staticResolver([backend.address]),
    retry: { initialBackoffMs: 1 },
  });
  const client = createClient(EchoService, transport);
  try {
    const madeAtMs = Date.now();
    for (let i = 0; i < 3; i++) await client.unary({ text: "hello" });
    await client.unary({ behavior: { failCode: Code.Unavailable, failAttempts: 1, requestId: "seen" } });
    await assert.rejects(client.unary({ behavior: { failCode: Code.NotFound } }));
    await assert.rejects(client.unary({ behavior: { delayMs: 60_000 } }, { timeoutMs: 20 }));
    const snapshot = transport.snapshot();
    assert.equal(snapshot.schema, 1);
    assert.equal(snapshot.grpcTarget, `dns:///localhost:${backend.port}`);
    assert.ok(Math.abs(snapshot.createdAtMs - madeAtMs) < 60_000 && snapshot.takenAtMs >= snapshot.createdAtMs);
    assert.deepEqual(
      [snapshot.calls.started, snapshot.calls.succeeded, snapshot.calls.failed, snapshot.calls.attempts],
      [6, 4, { NotFound: 1, DeadlineExceeded: 1 }, 7],
    );
    assert.deepEqual(snapshot.calls.attemptsFailed, {
      status: { unsent: 0, refused: 0, unknown: 2 },
      deadline: { unsent: 0, refused: 0, unknown: 1 },
    });
    assert.deepEqual(snapshot.calls.retriesBy, { policy: 1, pushback: 0, "lost-connection": 0, transparent: 0 });
    assert.equal(snapshot.calls.waits.resolve + snapshot.calls.waits.connect > 0, true);
    const { dials } = snapshot.connections;
    assert.deepEqual([dials.succeeded, dials.failed, dials.succeededMs > 0, dials.failedMs], [1, 0, true, 0]);
    assert.deepEqual(
      [snapshot.lookups.succeeded, snapshot.lookups.addressesAdded, snapshot.lookups.addressesRemoved],
      [1, 1, 0],
    );
    const { retryBudget } = snapshot;
    assert.deepEqual([retryBudget?.used, retryBudget?.available], [1, (retryBudget?.allowed ?? 0) - 1]);
    const [subchannel] = snapshot.subchannels;
    assert.ok(subchannel !== undefined);
    assert.ok(Math.abs(subchannel.stateSinceMs - madeAtMs) < 60_000);
    assert.deepEqual(
      [subchannel.callsStarted, subchannel.callsSucceeded, subchannel.callsFailed, subchannel.dialsSucceeded],
      [7, 4, 3, 1],
    );
    const [connection] = subchannel.connections;
    assert.ok(connection !== undefined);
    assert.equal(connection.remoteAddress, backend.address);
    assert.match(connection.localAddress ?? "", /^127\.0\.0\.1:\d+$/);
    assert.deepEqual([connection.tls, connection.alpn], [undefined, undefined]);
    assert.deepEqual([connection.callsStarted, connection.callsSucceeded, connection.callsFailed], [7, 4, 3]);
    assert.deepEqual([connection.messagesSent, connection.messagesReceived], [7, 4]);
    assert.ok(connection.bytesSent > 100 && connection.bytesReceived > 100);
    assert.equal(connection.pingsSent, 1, "after the missed deadline");
    assert.ok(snapshot.id < subchannel.id && subchannel.id < connection.id, "ids ascend");
    assert.deepEqual(JSON.parse(JSON.stringify(snapshot)).calls, snapshot.calls);
  } finally {
    await transport.close();
    await backend.close();
  }
});

test("a connection over TLS says how it is secured", async () => {
  const backend = await startConnectEcho({ tls: serverIdentity });
  const transport = glinkTransport({
    baseUrl: "https://echo.test",
    resolver: staticResolver([backend.address]),
    nodeOptions: { ca },
  });
  const recording = recordEvents(transport);
  try {
    await transport.ready();
    const connection = transport.snapshot().subchannels[0]?.connections[0];
    assert.deepEqual(connection?.alpn, "h2");
    assert.deepEqual(connection?.tls?.protocol, "TLSv1.3");
    assert.match(connection?.tls?.cipher ?? "", /^TLS_AES_/);
    const [connected] = recording.ofType("connected");
    assert.deepEqual([connected?.tls, connected?.alpn], [connection?.tls, "h2"]);
    assert.equal(transport.snapshot().grpcTarget, "dns:///echo.test:443");
  } finally {
    recording.stop();
    await transport.close();
    await backend.close();
  }
});

test("a dial that fails, calls that wait and the lookup that found the backend are events with their times", async () => {
  const backend = await startConnectEcho();
  const { address } = backend;
  await backend.close();
  const transport = glinkTransport({
    baseUrl: "http://echo.test",
    resolver: staticResolver([address]),
    reconnectBackoff: { initialBackoffMs: 1, maxBackoffMs: 20 },
  });
  const recording = recordEvents(transport);
  const again = await (async () => {
    const call = createClient(EchoService, transport).unary({ text: "late" }, { timeoutMs: 20_000 });
    call.catch(() => undefined);
    await recording.until("connect-failed");
    const [host = "", port] = address.split(":");
    return startConnectEcho({ host, port: Number(port) });
  })();
  try {
    await transport.ready();
    await createClient(EchoService, transport).unary({});
    const failed = recording.ofType("connect-failed")[0];
    assert.deepEqual([failed?.address, failed?.error.kind], [address, "dial"]);
    const [queued] = recording.ofType("call-queued");
    assert.equal(queued?.method, "glink.demo.v1.EchoService/Unary");
    assert.equal((await recording.until("queue-drained")).calls, 1);
    const [resolved] = recording.ofType("resolved");
    assert.deepEqual([resolved?.addresses, resolved?.changed], [1, true]);
    for (const { at } of recording.events) assert.ok(Math.abs(at - Date.now()) < 60_000);
    const { dials } = transport.snapshot().connections;
    assert.deepEqual([dials.succeeded, dials.failed > 0], [1, true]);
  } finally {
    recording.stop();
    await transport.close();
    await again.close();
  }
});

test("connections that leave are counted by the reason, and their drains by what became of their calls", async () => {
  const backend = await startConnectEcho();
  const transport = glinkTransport({
    baseUrl: "http://echo.test",
    resolver: staticResolver([backend.address]),
    drainTimeoutMs: 50,
  });
  const recording = recordEvents(transport);
  const client = createClient(EchoService, transport);
  try {
    await client.unary({});
    const cut = client.unary({ behavior: { delayMs: 60_000 } }, { timeoutMs: 5_000 });
    cut.catch(() => undefined);
    await until("it runs", () => backend.counters.running === 1);
    const leaving = [...backend.sessions];
    for (const session of leaving) session.goaway(0);
    await recording.until("connection-draining");
    assert.equal(transport.snapshot().draining[0]?.backend ?? backend.address, backend.address);
    const drained = await recording.until("connection-drained");
    assert.deepEqual([drained.cutCalls, drained.tookMs >= 49], [1, true]);
    await transport.ready();
    for (const session of backend.sessions) session.destroy();
    await until("it is lost", () => transport.snapshot().connections.dials.succeeded === 3);
    const { disconnections, retired, drains } = transport.snapshot().connections;
    // Node's server says GOAWAY when it destroys a session, too.
    assert.deepEqual(disconnections, { "GOAWAY NO_ERROR": 2 });
    assert.deepEqual([retired.goaway, drains.cutCalls], [2, 1]);
  } finally {
    recording.stop();
    await transport.close();
    await backend.close();
  }
});

test("a Unix socket's target is gRPC's name of it", { skip: noUnixSockets }, async () => {
  const path = join(tmpdir(), `glink-seen-${process.pid}.sock`);
  const server = createServer((socket) => socket.destroy()).listen(path);
  await once(server, "listening");
  const transport = glinkTransport({ baseUrl: "http://localhost", resolver: unixResolver(path) });
  try {
    assert.equal(transport.snapshot().grpcTarget, `unix://${path}`);
  } finally {
    await transport.close();
    server.close();
  }
});

test("instrumentation is given the server's name and port, and a view that shows what the transport's snapshot does", async () => {
  const backend = await startConnectEcho();
  let view: ChannelView | undefined;
  const starts: unknown[] = [];
  const instrumentation: Instrumentation = {
    attach(attached) {
      view = attached;
      return () => undefined;
    },
    callStarted({ target, grpcTarget, serverAddress, serverPort }) {
      starts.push([target, grpcTarget, serverAddress, serverPort]);
      return undefined;
    },
  };
  const baseUrl = `http://localhost:${backend.port}`;
  const resolver = staticResolver([backend.address]);
  const transport = glinkTransport({ baseUrl: `${baseUrl}/`, resolver, instrumentation });
  try {
    await createClient(EchoService, transport).unary({});
    assert.deepEqual(starts, [[baseUrl, `dns:///localhost:${backend.port}`, "localhost", backend.port]]);
    assert.equal(view?.serverAddress, "localhost");
    const { takenAtMs: _, ...seen } = view?.snapshot() ?? {};
    const { takenAtMs: __, ...own } = transport.snapshot();
    assert.deepEqual(Object.keys(seen), Object.keys(own));
    assert.equal(view?.snapshot().state, "ready");
    await transport.close();
    assert.equal(view?.snapshot().state, "shutdown");
  } finally {
    await transport.close();
    await backend.close();
  }
});

test("what is observed of calls holds nothing of their metadata, messages and trailers", async () => {
  const backend = await startConnectEcho();
  const seen: unknown[] = [];
  const log = (...line: unknown[]) => seen.push(line);
  const logger: Logger = { debug: log, info: log, warn: log, error: log };
  const transport = glinkTransport({
    baseUrl: `http://localhost:${backend.port}/`,
    resolver: staticResolver([backend.address]),
    logger,
    retry: { initialBackoffMs: 1 },
  });
  transport.subscribe((event: GlinkEvent) => seen.push(event));
  const client = createClient(EchoService, transport);
  const headers = { authorization: "Bearer s3cret-token", "x-tenant": "s3cret-tenant" };
  try {
    await client.unary({ text: "s3cret-text" }, { headers });
    await assert.rejects(client.unary({ text: "s3cret-text", behavior: { failCode: Code.Unavailable } }, { headers }));
    const text = JSON.stringify([seen, transport.snapshot()]);
    assert.ok(text.includes("attempt-failed"));
    assert.doesNotMatch(text, /s3cret/);
  } finally {
    await transport.close();
    await backend.close();
  }
});
