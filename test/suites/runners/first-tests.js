// The ten tests that a user writes first with glink/testing, from docs/testing.md alone. `test` is the runner's.
import assert from "node:assert/strict";
import { Code, createClient } from "@connectrpc/connect";
import { dnsResolver, glinkFailureOf, glinkTransport, staticResolver } from "glink";
import { Health } from "glink/health";
import {
  allReady,
  assertSpread,
  expectQuiet,
  fakeDns,
  manualClock,
  manualResolver,
  recordEvents,
  startBackends,
  testTransport,
} from "glink/testing";

const baseUrl = "http://shop.test";
const routes = (router) => router.service(Health, { check: () => ({ status: 1 }) });

/** Runs `use` with `n` backends, to which a client is connected, and closes everything. */
async function withBackends(n, options, use) {
  const backends = await startBackends(n, routes);
  const transport = testTransport({ baseUrl, resolver: staticResolver(backends.addresses), ...options });
  try {
    await allReady(transport, backends);
    await use(backends, createClient(Health, transport), transport);
  } finally {
    await transport.close({ timeoutMs: 0 });
    await backends.close();
  }
}

async function failureOf(call) {
  const error = await call.then(() => assert.fail("the call succeeded"), Object);
  return glinkFailureOf(error) ?? assert.fail(error);
}

test("a backend is killed among many calls, and none fails", () =>
  withBackends(3, {}, async (backends, client) => {
    const calls = [];
    for (let i = 0; i < 60; i++) {
      calls.push(client.check({}));
      if (i === 30) await backends[1].kill();
    }
    await Promise.all(calls);
    backends.resetCounts();
    for (let i = 0; i < 20; i++) await client.check({});
    assert.deepEqual([backends[0].calls + backends[2].calls, backends[1].calls], [20, 0]);
  }));

test("a refused call goes to another backend, and without retries it is the caller's", async () => {
  await withBackends(2, { retry: { maxAttempts: 1 } }, async (backends, client) => {
    backends[0].refuse();
    for (let i = 0; i < 4; i++) await client.check({});
    assert.equal(backends[1].calls, 4);
  });
  await withBackends(1, { retry: false }, async ([backend], client) => {
    backend.refuse({ times: 1 });
    const { kind, progress } = await failureOf(client.check({}));
    assert.deepEqual([kind, progress], ["stream-reset", "refused"]);
    await client.check({});
  });
});

test("a backend is slower than the deadline", () =>
  withBackends(1, {}, async ([backend], client) => {
    backend.delay(60_000);
    const { kind, address } = await failureOf(client.check({}, { timeoutMs: 50 }));
    assert.deepEqual([kind, address], ["deadline", backend.address]);
    await backend.recover();
    await client.check({});
  }));

test("Unavailable is tried again, until it is not", () =>
  withBackends(1, { retry: { initialBackoffMs: 1 } }, async ([backend], client, transport) => {
    backend.status(Code.Unavailable, { times: 2 });
    await client.check({});
    assert.deepEqual([backend.calls, transport.snapshot().calls.retriesBy.policy], [3, 2]);
    backend.status(Code.Unavailable, { times: 3 });
    assert.equal((await failureOf(client.check({}))).attempts, 3);
  }));

test("backends restart one after another, and no call fails", () =>
  withBackends(3, {}, async (backends, client, transport) => {
    let rolling = true;
    let done = 0;
    const load = (async () => {
      for (; rolling; done++) await client.check({});
    })();
    for (const backend of backends) {
      await backend.stop();
      await backend.restart();
      await allReady(transport, [backend]);
    }
    rolling = false;
    await load;
    assert.ok(done >= 3, `${done} calls`);
  }));

test("the name is looked up again as time passes, and a new backend gets calls", async () => {
  const backends = await startBackends(2, routes);
  const resolver = manualResolver(backends[0].address);
  const clock = manualClock();
  const transport = testTransport({ baseUrl, resolver, rotationIntervalMs: 30_000 }, { clock });
  try {
    const client = createClient(Health, transport);
    await client.check({});
    await clock.advance(26_000);
    assert.equal(resolver.refreshes, 0);
    await clock.advance(8_000);
    assert.equal(resolver.refreshes, 1);
    resolver.answer(...backends.addresses);
    await allReady(transport, backends);
    backends.resetCounts();
    for (let i = 0; i < 10; i++) await client.check({});
    assert.equal(backends[1].calls, 5);
  } finally {
    await transport.close({ timeoutMs: 0 });
    await backends.close();
  }
});

test("a GOAWAY is an event, and costs no call", () =>
  withBackends(2, {}, async (backends, client, transport) => {
    const events = recordEvents(transport);
    backends[0].goaway();
    assert.equal((await events.until("goaway")).address, backends[0].address);
    for (let i = 0; i < 4; i++) await client.check({});
  }));

test("calls are spread evenly, and where they are not it is said", () =>
  withBackends(4, {}, async (backends, client) => {
    for (let i = 0; i < 40; i++) await client.check({});
    assertSpread(backends, { tolerance: 0.1 });
    backends[0].resetCounts();
    assert.throws(() => assertSpread(backends, { tolerance: 0.1 }), new RegExp(backends[0].address));
  }));

// Where 127.0.0.1 is the only loopback address, backends differ by ports, of which A records know nothing.
const testOfHosts = process.platform === "linux" ? test : test.skip;

testOfHosts("DNS loses a backend", async () => {
  const backends = await startBackends(3, routes);
  const dns = await fakeDns();
  const answer = (hosts) => dns.set("shop.test", { addresses: hosts, ttlSeconds: 1 });
  const hosts = backends.map(({ host }) => host);
  answer(hosts);
  const clock = manualClock();
  const resolver = dnsResolver({ servers: [dns.address] });
  const transport = testTransport({ baseUrl: `${baseUrl}:${backends[0].port}`, resolver }, { clock });
  try {
    await allReady(transport, backends);
    const events = recordEvents(transport);
    answer(hosts.slice(0, 2));
    await clock.advance(40_000);
    const { removed } = await events.until("pool-updated", (event) => event.removed.length > 0);
    assert.deepEqual(removed, [backends[2].address]);
  } finally {
    await transport.close({ timeoutMs: 0 });
    await dns.close();
    await backends.close();
  }
});

/** What a user's own code has around a transport. */
class Shop {
  constructor(resolver) {
    this.transport = glinkTransport({ baseUrl, resolver });
    this.client = createClient(Health, this.transport);
  }

  isOpen() {
    return this.client.check({}).then(
      () => true,
      () => false,
    );
  }

  close() {
    return this.transport.close();
  }
}

test("a class of one's own leaves nothing open, and it is found out where it does", async () => {
  const backends = await startBackends(1, routes);
  const resolver = staticResolver(backends.addresses);
  await expectQuiet(async () => {
    const shop = new Shop(resolver);
    assert.equal(await shop.isOpen(), true);
    await backends[0].kill();
    assert.equal(await shop.isOpen(), false);
    await shop.close();
  });
  await backends[0].restart();
  const shop = new Shop(resolver);
  await assert.rejects(
    expectQuiet(() => shop.isOpen()),
    /glink left \d+ open: /,
  );
  await shop.close();
  await backends.close();
});
