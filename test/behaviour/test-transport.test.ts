import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { createClient } from "@connectrpc/connect";
import { EchoService } from "../../proto/gen/glink/demo/v1/echo_pb.js";
import { dnsResolver, type GlinkTransportOptions, glinkFailureOf } from "../../src/index.ts";
import {
  allReady,
  fakeDns,
  manualClock,
  manualResolver,
  type Routes,
  recordEvents,
  seededRandom,
  startBackends,
  type TestRuntime,
  testTransport,
} from "../../src/testing/index.ts";
import { checkForLeaks } from "../support/leaks.ts";

checkForLeaks();

const minutes = 60_000;
const hours = 60 * minutes;

const routes: Routes = (router) => router.service(EchoService, { unary: ({ text }) => ({ text }) });

async function start(t: TestContext, options: Partial<GlinkTransportOptions> = {}, runtime: TestRuntime = {}) {
  const clock = manualClock();
  const backends = await startBackends(2, routes);
  const resolver = manualResolver(...backends.addresses);
  const transport = testTransport(
    { baseUrl: `http://echo.test:${backends[0].port}`, resolver, ...options },
    { clock, ...runtime },
  );
  t.after(async () => {
    const closed = transport.close();
    await clock.advance(10_000);
    await closed;
    assert.equal(clock.pending, 0, "a timer is left after close()");
    await backends.close();
  });
  return { backends, clock, transport, client: createClient(EchoService, transport), events: recordEvents(transport) };
}

test("minutes pass in moments: connections grow old and are replaced, and no call fails", async (t) => {
  const { clock, client, transport, events } = await start(t, { maxConnectionAgeMs: 5 * minutes });
  for (let minute = 0; minute < 20; minute++) {
    assert.equal((await client.unary({ text: `${minute}` })).text, `${minute}`);
    await clock.advance(1 * minutes);
  }
  assert.ok(events.ofType("connection-draining").length >= 4);
  assert.deepEqual(events.ofType("ping-timeout"), []);
  assert.equal(transport.snapshot().state, "ready");
});

test("PINGs are answered while an hour passes, so that a call may wait that long", async (t) => {
  const { backends, clock, client, events } = await start(t);
  for (const backend of backends) backend.delay(Number.POSITIVE_INFINITY);
  const kept = client.unary({ text: "patient" });
  const { backend } = await backends.nextCall();
  await clock.advance(1 * hours);
  assert.deepEqual(events.ofType("ping-timeout"), []);
  await backend.recover();
  assert.equal((await kept).text, "patient");
});

test("a deadline passes when the clock says so, and not before", async (t) => {
  const { backends, clock, client } = await start(t);
  for (const backend of backends) backend.delay(Number.POSITIVE_INFINITY);
  let error: unknown;
  const late = client.unary({}, { timeoutMs: 1 * hours }).catch((reason) => {
    error = reason;
  });
  await backends.nextCall();
  await clock.advance(1 * hours - 1);
  assert.equal(error, undefined);
  await clock.advance(1);
  await late;
  assert.equal(glinkFailureOf(error)?.kind, "deadline");
});

test("a backend that has become mute is found out in as long as keepalive takes", async (t) => {
  const { backends, clock, client, events } = await start(t, { pingIntervalMs: 30_000, pingTimeoutMs: 5_000 });
  await client.unary({});
  for (const backend of backends) backend.mute();
  const silent = client.unary({}, { timeoutMs: 1 * hours }).catch(glinkFailureOf);
  await clock.advance(29_000);
  assert.deepEqual(events.ofType("ping-timeout"), []);
  await clock.advance(1 * minutes);
  assert.ok(events.ofType("ping-timeout").length > 0);
  for (const backend of backends) await backend.recover();
  await clock.advance(5 * minutes);
  await silent;
});

test("a name is looked up anew as time passes, at a real DNS server", async (t) => {
  const dns = await fakeDns();
  t.after(() => dns.close());
  dns.set("echo.test", { addresses: ["127.0.0.1"], ttlSeconds: 1 });
  const { clock, client, events } = await start(t, { resolver: dnsResolver({ servers: [dns.address] }) });
  await client.unary({});
  const asked = dns.queries("echo.test", "A");
  await clock.advance(10 * minutes);
  assert.ok(dns.queries("echo.test", "A") > asked);
  assert.deepEqual(events.ofType("resolve-failed"), []);
});

/** How often each of two backends is chosen for the first call. */
async function firstChoices(runtime?: TestRuntime): Promise<readonly number[]> {
  await using backends = await startBackends(2, routes);
  const resolver = manualResolver(...backends.addresses);
  await using transport = testTransport({ baseUrl: "http://echo.test", resolver }, runtime);
  await allReady(transport, backends);
  backends.resetCounts();
  await createClient(EchoService, transport).unary({});
  return backends.map(({ calls }) => calls);
}

test("chance decides alike in each run, of one's own seed and without any", async () => {
  const random = () => seededRandom(5);
  assert.deepEqual(await firstChoices({ random: random() }), await firstChoices({ random: random() }));
  assert.deepEqual(await firstChoices(), await firstChoices());
});

test("a test that fails while calls are open ends at once, on whatever clock, and says why", async () => {
  for (const runtime of [{ clock: manualClock() }, {}]) {
    await using backends = await startBackends(1, routes);
    let open: Promise<unknown> | undefined;
    const failingTest = async () => {
      const resolver = manualResolver(...backends.addresses);
      await using transport = testTransport({ baseUrl: "http://echo.test", resolver }, runtime);
      backends[0].delay(Number.POSITIVE_INFINITY);
      open = createClient(EchoService, transport).unary({}).catch(glinkFailureOf);
      await backends.nextCall();
      throw new Error("what went wrong");
    };
    await assert.rejects(failingTest, /^Error: what went wrong$/);
    assert.equal(((await open) as { kind?: string }).kind, "closed");
  }
});

test("close({ timeoutMs: 0 }) waits for nobody to turn the clock", async () => {
  await using backends = await startBackends(1, routes);
  const transport = testTransport(
    { baseUrl: "http://echo.test", resolver: manualResolver(...backends.addresses) },
    { clock: manualClock() },
  );
  backends[0].delay(Number.POSITIVE_INFINITY);
  const open = createClient(EchoService, transport).unary({}).catch(glinkFailureOf);
  await backends.nextCall();
  await transport.close({ timeoutMs: 0 });
  assert.equal(((await open) as { kind?: string }).kind, "closed");
});

test("bad input is named", () => {
  const options = { baseUrl: "http://echo.test" };
  const bad: readonly [() => unknown, RegExp][] = [
    [
      () => testTransport(options, { time: 1 } as never),
      /^TypeError: the runtime of testTransport has no field "time"/,
    ],
    [() => testTransport(options, null as never), /^TypeError: the runtime of testTransport must be an object/],
    [
      () => testTransport(options, { clock: {} as never }),
      /^TypeError: clock must have a method now; it is an object$/,
    ],
    [() => testTransport(options, { random: 7 as never }), /^TypeError: random must have a method next; it is 7$/],
    [() => testTransport(undefined as never, {}), /^TypeError: /],
    [() => testTransport({ baseUrl: 7 as never }, {}), /^TypeError: baseUrl /],
  ];
  for (const [act, expected] of bad) assert.throws(act, (error) => expected.test(String(error)), String(expected));
});
