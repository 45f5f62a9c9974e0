// The faults of another client load balancer for gRPC, the Go package github.com/dacalin/glink, in its connection manager:
// a test for each symptom that its users would have seen, and that can exist here.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Code, ConnectError } from "@connectrpc/connect";
import type { GlinkEvent, Logger } from "../../../src/index.ts";
import { staticResolver } from "../../../src/index.ts";
import { callsTo, fakePool, ManualResolver, TestCall } from "../../support/fake-pool.ts";
import { settle } from "../../support/manual-clock.ts";
import { constantRandom } from "../../support/random.ts";
import { glinkTransport } from "../../support/transport.ts";

const aged = { subchannel: { maxConnectionAgeMs: 60_000 } };

test("calls that find an expired connection at once do not each build a pool", async () => {
  const { pool, clock, connector, resolver, close } = fakePool(aged);
  for (let i = 0; i < 100; i++) pool.wake();
  resolver.report("10.0.0.1");
  await settle();
  connector.answerWith(() => undefined);
  await clock.advance(120_000);
  for (let i = 0; i < 100; i++) {
    pool.wake();
    new TestCall(pool).start();
  }
  assert.equal(connector.dials.length, 2, "the first connection and one successor");
  close();
});

test("a bad moment of DNS or of the network does not replace a healthy pool by a dead one", async () => {
  const { pool, clock, connector, resolver, close } = fakePool(aged);
  pool.wake();
  resolver.report("10.0.0.1", "10.0.0.2");
  await settle();
  resolver.listener?.onError(new Error("SERVFAIL"));
  connector.answerWith((dial) => dial.fail());
  await clock.advance(300_000);
  assert.deepEqual([...callsTo(pool, 10).values()], [5, 5]);
  close();
});

test("connections whose addresses did not change are not dropped by a rotation", async () => {
  const { pool, clock, connector, resolver, close } = fakePool({ rotationIntervalMs: 30_000 });
  pool.wake();
  resolver.report("10.0.0.1", "10.0.0.2");
  await settle();
  for (let i = 0; i < 10; i++) {
    await clock.advance(30_000);
    resolver.report("10.0.0.2", "10.0.0.1");
  }
  assert.equal(connector.dials.length, 2);
  close();
});

test("a long call on a replaced connection is not cut, and an idle one does not linger", async () => {
  const { pool, clock, connector, resolver, close } = fakePool(aged);
  pool.wake();
  resolver.report("10.0.0.1");
  await settle();
  for (const busy of [true, false]) {
    const elder = connector.last.connection;
    if (elder !== undefined) elder.answersPings = true;
    const call = busy ? new TestCall(pool).start() : undefined;
    await clock.advance(61_000);
    assert.equal(elder?.closed, !busy);
    call?.stream?.finish();
    assert.equal(elder?.closed, true);
  }
  close();
});

test("closing the pool leaves no retired connection and no timer behind", async () => {
  const { pool, clock, connector, resolver, close } = fakePool({ ...aged, drainTimeoutMs: 600_000 });
  pool.wake();
  resolver.report("10.0.0.1");
  await settle();
  new TestCall(pool).start();
  resolver.report("10.0.0.2");
  await settle();
  assert.equal(connector.open.length, 2);
  close();
  assert.equal(connector.open.length, 0);
  assert.equal(clock.pending, 0);
});

test("rotation needs no call to happen", async () => {
  const { pool, clock, connector, resolver, close } = fakePool({ ...aged, rotationIntervalMs: 30_000, held: false });
  pool.wake();
  resolver.report("10.0.0.1");
  await clock.advance(3_600_000);
  assert.equal(resolver.refreshes, 120);
  assert.ok(connector.dials.length >= 60);
  assert.equal(connector.open.length, 1);
  close();
});

test("close before the first use and close twice are fine, and no later call opens the pool again", async () => {
  const transport = glinkTransport({ baseUrl: "http://echo.test:1", resolver: staticResolver(["127.0.0.1:1"]) });
  const first = transport.close();
  assert.equal(transport.close(), first);
  await first;
  await assert.rejects(transport.ready(), (error) => ConnectError.from(error).code === Code.FailedPrecondition);
  assert.equal(transport.snapshot().state, "shutdown");
});

test("a short maxConnectionAgeMs is refused by name, not raised in silence; and ages have jitter", async () => {
  assert.throws(
    () => glinkTransport({ baseUrl: "http://echo.test:1", maxConnectionAgeMs: 500 }),
    /maxConnectionAgeMs must be .* from 1000/,
  );
  const ends: number[] = [];
  for (const value of [0, 0.999_999]) {
    const { pool, clock, resolver, close } = fakePool({ ...aged, random: constantRandom(value) });
    pool.wake();
    resolver.report("10.0.0.1");
    await settle();
    const [subchannel] = pool.subchannels;
    ends.push(Math.round((subchannel?.connections[0]?.expiresAtMs ?? 0) - clock.now()));
    close();
  }
  const [soonest = 0, latest = 0] = ends;
  // By 10 % either way; and sooner by up to 10 %, for a beat that is shared.
  assert.ok(soonest > 48_000 && soonest <= 54_000, `${soonest} ms`);
  assert.equal(latest - soonest, 12_000);
});

test("TLS, keepalive, logger and dial options are the user's to set", async () => {
  const lines: string[] = [];
  const log = (_: unknown, message: string) => lines.push(message);
  const logger: Logger = { debug: log, info: log, warn: log, error: log };
  const transport = glinkTransport({
    baseUrl: "https://echo.test",
    nodeOptions: { ca: "none", rejectUnauthorized: true },
    pingIntervalMs: 10_000,
    connectTimeoutMs: 1_000,
    logger,
  });
  await transport.close();
  assert.ok(lines.length > 0);
});

test("what one transport reports, another's listener and logger never hear", async () => {
  const heard: GlinkEvent[][] = [[], []];
  const transports = heard.map((events, i) => {
    const transport = glinkTransport({ baseUrl: `http://echo-${i}.test:1`, resolver: new ManualResolver() });
    transport.subscribe((event) => events.push(event));
    return transport;
  });
  await transports[0]?.close();
  assert.equal(heard[0]?.length, 1);
  assert.equal(heard[1]?.length, 0);
  await transports[1]?.close();
});

test("an hour of rotations runs on a clock that the test turns", async () => {
  const startMs = performance.now();
  const { pool, clock, resolver, events, close } = fakePool({ ...aged, rotationIntervalMs: 30_000 });
  pool.wake();
  resolver.report("10.0.0.1", "10.0.0.2");
  const fromMs = clock.now();
  await clock.advance(3_600_000);
  assert.equal(clock.now() - fromMs, 3_600_000);
  assert.ok(performance.now() - startMs < 60_000);
  assert.ok(events.ofType("connection-drained").length >= 100);
  close();
});
