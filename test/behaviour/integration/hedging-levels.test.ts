import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { createClient } from "@connectrpc/connect";
import { EchoService } from "../../../proto/gen/glink/demo/v1/echo_pb.js";
import { parseAddress } from "../../../src/endpoint/address.ts";
import { type Endpoint, endpointPriority, noAttributes, type Resolution, type Resolver } from "../../../src/index.ts";
import { startBackends, type TestBackend, testTransport } from "../../../src/testing/index.ts";
import { checkForLeaks } from "../../support/leaks.ts";
import { until } from "../../support/load.ts";
import { SocketsManualClock } from "../../support/manual-clock.ts";
import { withEngine } from "../../support/transport.ts";

/* Calls that hedge while the backends of one level take the place of those of another. */

checkForLeaks();

type Backends = readonly Pick<TestBackend, "address">[];

function endpointsOf(backends: Backends, priority = 0): Endpoint[] {
  const attributes = noAttributes.with(endpointPriority, priority);
  return backends.map(({ address }) => ({ addresses: [parseAddress(address)], attributes }));
}

/** Two levels of backends, as a resolver may name them. */
const waysToSay: Record<string, (first: Backends, second: Backends) => Resolution> = {
  "the next priority": (first, second) => ({ endpoints: [...endpointsOf(first), ...endpointsOf(second, 1)] }),
  "the fallback": (first, second) => ({ endpoints: endpointsOf(first), fallback: endpointsOf(second) }),
};

/** Two backends that keep their calls, and one that answers; a transport that hedges after 100 ms, and its resolver. */
async function setUp(t: TestContext, listOf: (first: Backends, second: Backends) => Resolution) {
  const clock = new SocketsManualClock();
  const backends = await startBackends(3, (router) => router.service(EchoService, { unary: () => ({}) }));
  t.after(() => backends.close());
  const [one, other, third] = backends;
  for (const backend of [one, other]) backend.delay(Number.POSITIVE_INFINITY);
  let report: (list: Resolution) => void = () => assert.fail("nobody watches");
  const resolver: Resolver = {
    name: "levels",
    watch: (_, listener) => {
      report = (list) => listener.onResolution(list);
      queueMicrotask(() => report(listOf([one, other], [third])));
      return { refresh: () => undefined, close: () => undefined };
    },
  };
  const hedging = { maxAttempts: 4, delayMs: 100, idempotentOnly: false };
  const transport = testTransport(withEngine({ baseUrl: "http://echo.test", resolver, hedging }), { clock });
  t.after(() => transport.close({ timeoutMs: 0 }));
  await transport.ready();
  const client = createClient(EchoService, transport);
  const ready = () => transport.snapshot().subchannels.filter(({ state }) => state === "ready").length;
  await until("both of the first level are ready", () => ready() === 2);
  return { clock, first: [one, other] as const, third, transport, client, report: (list: Resolution) => report(list) };
}

for (const [level, listOf] of Object.entries(waysToSay)) {
  test(`calls whose attempts are lost with all of their level are answered by ${level}`, async (t) => {
    const { clock, first, third, transport, client } = await setUp(t, listOf);
    const openAt = () => first.map(({ openCalls }) => openCalls);
    const answers = Array.from({ length: 10 }, () => client.unary({}));
    await until("all have an attempt", () => String(openAt()) === "5,5");
    await clock.advance(100);
    await until("all are hedged", () => String(openAt()) === "10,10");
    await Promise.all(first.map((backend) => backend.kill()));
    await Promise.all(answers);
    const { openCalls, queuedCalls, calls } = transport.snapshot();
    assert.deepEqual([openCalls, queuedCalls, calls.succeeded, calls.failed], [0, 0, 10, {}]);
    assert.ok(third.calls >= 10, `${third.calls}`);
    await until("no attempt is left open", () => third.openCalls === 0);
  });
}

test("a call whose priority is no longer named is hedged with what is, and the attempt that drains is cancelled", async (t) => {
  const { clock, first, third, transport, client, report } = await setUp(t, (one) => ({ endpoints: endpointsOf(one) }));
  const answer = client.unary({});
  const openAt = () => first.reduce((sum, { openCalls }) => sum + openCalls, 0);
  await until("it has an attempt", () => openAt() === 1);
  report({ endpoints: endpointsOf([third], 1) });
  await until("only the other priority is left", () => transport.snapshot().subchannels.length === 1);
  await until("one connection drains", () => transport.snapshot().draining.length === 1);
  await clock.advance(100);
  await answer;
  assert.deepEqual([third.calls, first[0].calls + first[1].calls], [1, 1]);
  await until("the loser is cancelled", () => openAt() === 0);
  await until("its connection is closed", () => transport.snapshot().draining.length === 0);
});
