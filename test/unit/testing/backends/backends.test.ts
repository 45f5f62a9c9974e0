import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { EchoService } from "../../../../proto/gen/glink/demo/v1/echo_pb.js";
import {
  type GlinkTransport,
  type GlinkTransportOptions,
  glinkFailureOf,
  staticResolver,
} from "../../../../src/index.ts";
import {
  type BackendsOptions,
  type Routes,
  recordEvents,
  startBackends,
  type TestBackends,
} from "../../../../src/testing/index.ts";
import { ca, serverIdentity } from "../../../support/certificates.ts";
import { checkForLeaks } from "../../../support/leaks.ts";
import { glinkTransport } from "../../../support/transport.ts";

checkForLeaks();

/** Each says who it is. */
const routes: Routes = (router, backend) =>
  router.service(EchoService, {
    unary: ({ text }) => ({ text, served: { backend: backend.address } }),
    async *serverStream({ count }, { signal }) {
      for (let index = 0; index < count; index++) yield { index };
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
    },
  });

async function start<const N extends number>(
  t: TestContext,
  n: N,
  options?: BackendsOptions,
): Promise<TestBackends<N>> {
  const backends = await startBackends(n, routes, options);
  t.after(() => backends.close());
  return backends;
}

function connect(t: TestContext, backends: TestBackends, options: Partial<GlinkTransportOptions> = {}) {
  const resolver = staticResolver(backends.addresses);
  const reconnectBackoff = { initialBackoffMs: 5 };
  const transport = glinkTransport({ baseUrl: "http://echo.test", resolver, reconnectBackoff, ...options });
  t.after(() => transport.close({ timeoutMs: 0 }));
  return { transport, client: createClient(EchoService, transport) };
}

function failureOf(call: Promise<unknown>) {
  return call.then(
    () => assert.fail("the call succeeded"),
    (error: unknown) => ({ error: error as ConnectError, failure: glinkFailureOf(error) }),
  );
}

/** One backend and a client of it, which does not repeat calls. */
async function alone(t: TestContext, options: Partial<GlinkTransportOptions> = {}) {
  const backends = await start(t, 1);
  const [backend] = backends;
  const { transport, client } = connect(t, backends, { retry: false, ...options });
  const call = () => client.unary({ text: "hello" });
  await call();
  return { backend, transport, client, call, events: recordEvents(transport) };
}

/** The next answer of a backend, however long its client waits before it dials anew. */
async function answered(transport: GlinkTransport, call: () => Promise<{ text: string }>): Promise<string> {
  await transport.ready();
  return (await call()).text;
}

test("backends are real servers that know who they are, and count", async (t) => {
  const backends = await start(t, 3);
  const { client, transport } = connect(t, backends);
  const events = recordEvents(transport);
  await transport.ready();
  while (transport.snapshot().subchannels.some(({ state }) => state !== "ready"))
    await events.until("subchannel-state", ({ to }) => to === "ready").finally(() => events.forget());
  const served = new Set<string | undefined>();
  for (let i = 0; i < 9; i++) served.add((await client.unary({})).served?.backend);
  assert.deepEqual([...served].sort(), [...backends.addresses].sort());
  assert.equal(
    backends.reduce((sum, { calls }) => sum + calls, 0),
    9,
  );
  for (const { connections, openCalls } of backends) assert.deepEqual([connections, openCalls], [1, 0]);
  backends.resetCounts();
  assert.deepEqual(
    backends.map(({ calls }) => calls),
    [0, 0, 0],
  );
  assert.equal(new Set(backends.map(({ address }) => address)).size, 3);
});

test("a status is answered as often as it was ordered, in each protocol, with what belongs to it", async (t) => {
  const backends = await start(t, 1);
  const [backend] = backends;
  for (const protocol of ["grpc", "grpc-web", "connect"] as const) {
    const { client } = connect(t, backends, { protocol, retry: false });
    backend.status(new ConnectError("sold out", Code.ResourceExhausted, { "x-left": "0" }), { times: 2 });
    for (let i = 0; i < 2; i++) {
      const { error } = await failureOf(client.unary({}));
      assert.deepEqual([error.code, error.rawMessage, error.metadata.get("x-left")], [8, "sold out", "0"], protocol);
    }
    assert.equal((await client.unary({ text: "again" })).text, "again");
  }
  backend.status(Code.Unavailable, { times: 2 });
  backend.resetCounts();
  const { client } = connect(t, backends);
  assert.equal((await client.unary({ text: "repeated" })).text, "repeated");
  assert.equal(backend.calls, 3);
});

test("a call that is refused did not run, and one whose stream is reset may have", async (t) => {
  const { backend, call } = await alone(t);
  backend.refuse();
  const refused = await failureOf(call());
  assert.deepEqual([refused.failure?.kind, refused.failure?.progress], ["stream-reset", "refused"]);
  backend.resetStreams();
  const reset = await failureOf(call());
  assert.deepEqual([reset.failure?.kind, reset.failure?.progress], ["stream-reset", "unknown"]);
  await backend.recover();
  assert.equal((await call()).text, "hello");
});

test("calls that are kept are served when the backend recovers, and left when their client leaves", async (t) => {
  const { backend, client, call } = await alone(t);
  backend.delay(Number.POSITIVE_INFINITY);
  const kept = call();
  assert.deepEqual(await backend.nextCall(), { backend, method: "glink.demo.v1.EchoService/Unary" });
  const left = client.unary({}, { timeoutMs: 30 });
  assert.equal((await failureOf(left)).failure?.kind, "deadline");
  await backend.recover();
  assert.equal((await kept).text, "hello");
  backend.delay(5, { times: 1 });
  assert.equal((await call()).text, "hello");
});

test("a GOAWAY in good order costs no call, and one with an error says which", async (t) => {
  const { backend, client, transport, call, events } = await alone(t);
  const stream = client.serverStream({ count: 1 })[Symbol.asyncIterator]();
  await stream.next();
  backend.goaway({ debug: "moving house" });
  const { http2Code, debug } = await events.until("goaway");
  assert.deepEqual([http2Code, debug], [0, "moving house"]);
  assert.equal(backend.openCalls, 1);
  assert.equal(await answered(transport, call), "hello");
  events.forget();
  backend.goaway({ http2Code: 11, debug: "too_many_pings" });
  assert.match((await failureOf(stream.next())).failure?.kind ?? "", /goaway/);
  const abrupt = await events.until("goaway", (event) => event.http2Code !== 0);
  assert.deepEqual([abrupt.http2Code, abrupt.debug], [11, "too_many_pings"]);
});

test("connections are reset, and the backend goes on", async (t) => {
  const { backend, client, transport, call } = await alone(t);
  backend.delay(Number.POSITIVE_INFINITY);
  const open = failureOf(client.unary({}));
  await backend.nextCall();
  await backend.reset();
  const { error, failure } = await open;
  assert.equal(failure?.kind, "connection-lost");
  assert.match(error.rawMessage, /ECONNRESET/);
  await backend.recover();
  assert.equal(await answered(transport, call), "hello");
});

test("a mute backend keeps its connections, and what was on its way arrives when it speaks again", async (t) => {
  const { backend, call } = await alone(t);
  backend.mute();
  const silent = call();
  // Whatever it takes to arrive: it does not.
  for (let turns = 0; turns < 50; turns++) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual([backend.connections, backend.openCalls], [1, 0]);
  await backend.recover();
  assert.equal((await silent).text, "hello");
});

test("a backend that accepts nothing serves who is there, and refuses others", async (t) => {
  const backends = await start(t, 1);
  const [backend] = backends;
  const { client } = connect(t, backends);
  await client.unary({});
  backend.stopAccepting();
  assert.equal((await client.unary({ text: "still here" })).text, "still here");
  const late = connect(t, backends, { retry: false });
  const { error } = await failureOf(late.client.unary({}));
  assert.match(error.rawMessage, /ECONNREFUSED/);
  await backend.recover();
  assert.equal(await answered(late.transport, () => late.client.unary({ text: "in" })), "in");
});

test("a backend that stops lets its calls end, one that is killed does not, and both come back at their address", async (t) => {
  const { backend, call, transport, events } = await alone(t);
  const { address } = backend;
  const lost = async () => {
    await events.until("subchannel-state", ({ from }) => from === "ready");
    // The policy hears of it at the end of the turn.
    await new Promise((resolve) => setImmediate(resolve));
  };
  backend.delay(Number.POSITIVE_INFINITY, { times: 1 });
  const open = call();
  await backend.nextCall();
  let hasStopped = false;
  const stopped = backend.stop().then(() => {
    hasStopped = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual([hasStopped, backend.openCalls], [false, 1]);
  await backend.recover();
  assert.equal((await open).text, "hello");
  await stopped;
  await transport.ready();
  events.forget();
  await backend.restart();
  await lost();
  assert.equal(backend.address, address);
  assert.equal(await answered(transport, call), "hello");
  backend.delay(Number.POSITIVE_INFINITY);
  const cut = failureOf(call());
  await backend.nextCall();
  events.forget();
  await backend.kill();
  assert.equal((await cut).failure?.kind, "connection-lost");
  assert.equal(backend.connections, 0);
  await lost();
  await backend.restart();
  assert.equal(await answered(transport, call), "hello");
});

test("backends speak TLS with the test's certificate", async (t) => {
  const backends = await start(t, 1, { tls: serverIdentity });
  const { client } = connect(t, backends, { baseUrl: "https://echo.test", nodeOptions: { ca } });
  assert.equal((await client.unary({ text: "hidden" })).text, "hidden");
});

test("who waits for a call that does not come is told", async (t) => {
  const backends = await start(t, 1);
  const [backend] = backends;
  await assert.rejects(backend.nextCall({ timeoutMs: 1 }), {
    message: `no call came to ${backend.address} within 1 ms`,
  });
  await assert.rejects(backends.nextCall({ timeoutMs: 1 }), { message: "no call came to any backend within 1 ms" });
});

test("bad input is named", async (t) => {
  const [backend] = await start(t, 1);
  const bad: readonly [() => unknown, RegExp][] = [
    [() => backend.status(99 as Code), /^TypeError: status takes a Code of Connect's, or a ConnectError, not 99$/],
    [
      () => backend.status(14, { times: 0 }),
      /^RangeError: times must be an integer from 1 to \d+, or Infinity, not 0$/,
    ],
    [() => backend.refuse({ time: 1 } as object), /^TypeError: the options of an order has no field "time"/],
    [() => backend.delay(-1), /^RangeError: delay takes milliseconds, which must be a number from 0 to/],
    [() => backend.delay(Number.NaN), /^RangeError: .*not NaN$/],
    [() => backend.resetStreams(14), /^RangeError: http2Code must be an integer from 0 to 13, not 14$/],
    [() => backend.goaway({ http2Code: -1 }), /^RangeError: http2Code must be an integer from 0 to 13, not -1$/],
    [() => backend.goaway({ debug: 7 as never }), /^TypeError: debug must be a string, not 7$/],
  ];
  for (const [act, expected] of bad) assert.throws(act, (error) => expected.test(String(error)), String(expected));
  await assert.rejects(startBackends(0, routes), /number of backends must be an integer from 1 to 254, not 0/);
  await assert.rejects(
    startBackends(1, undefined as never),
    /routes of startBackends must be a function, not undefined/,
  );
  await assert.rejects(startBackends(1, routes, { port: 1 } as object), /has no field "port": it knows tls,/);
  await assert.rejects(startBackends(1, routes, { maxConcurrentStreams: -1 }), /maxConcurrentStreams must be/);
  await assert.rejects(startBackends(1, routes, { clock: {} as never }), /clock must have a method setTimeout/);
});

test("backends are closed once, and twice is no harm", async () => {
  const backends = await startBackends(2, routes);
  await Promise.all([backends.close(), backends.close()]);
  await backends[Symbol.asyncDispose]();
});
