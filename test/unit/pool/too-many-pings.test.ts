import assert from "node:assert/strict";
import { test } from "node:test";
import { fakePool } from "../../support/fake-pool.ts";
import { settle } from "../../support/manual-clock.ts";

/** Backends that are asked every 10 s, and answer. */
async function askedBackends(...hosts: string[]) {
  const keepalive = { pingIntervalMs: 10_000, pingIdleConnection: true, pingTimeoutMs: 1_000 };
  const all = fakePool({
    subchannel: { live: { keepalive, idleConnectionTimeoutMs: Number.POSITIVE_INFINITY } },
  });
  const { pool, connector, resolver } = all;
  connector.answerWith((dial) => {
    dial.succeed().answersPings = true;
  });
  pool.wake();
  resolver.report(...hosts);
  await settle();
  return all;
}

/** Two of them, one of which has said GOAWAY with ENHANCE_YOUR_CALM. */
async function afterGoaway(debug: string) {
  const all = await askedBackends("10.0.0.1", "10.0.0.2");
  const { clock, connector } = all;
  connector.open[0]?.goaway(11, debug);
  await clock.advance(250);
  assert.equal(connector.dials.length, 3, "one dial more for the connection that was sent away");
  return { ...all, pings: () => connector.open.map(({ pings }) => pings) };
}

test("too_many_pings on one connection slows the PINGs of all, later ones included", async () => {
  const { clock, resolver, pings, close } = await afterGoaway("too_many_pings");
  resolver.report("10.0.0.1", "10.0.0.2", "10.0.0.3");
  await clock.advance(19_000);
  assert.deepEqual(pings(), [0, 0, 0]);
  await clock.advance(3_000);
  assert.deepEqual(pings(), [1, 1, 1]);
  close();
});

test("ENHANCE_YOUR_CALM that does not speak of PINGs leaves their pace alone", async () => {
  const { clock, pings, close } = await afterGoaway("too much traffic");
  await clock.advance(11_000);
  assert.deepEqual(pings(), [1, 1]);
  close();
});

/** Ten of them, all of which have been asked once. */
async function tenBackends() {
  const hosts = Array.from({ length: 10 }, (_, i) => `10.0.0.${i + 1}`);
  const all = await askedBackends(...hosts);
  const { clock, connector } = all;
  await clock.advance(11_000);
  const connectionOf = (host: string) => connector.open.find(({ address }) => address === `${host}:1`);
  /** How many PINGs the present connection of each backend gets within the next 600 s. */
  const pingsIn600s = async () => {
    const before = hosts.map((host) => connectionOf(host)?.pings ?? 0);
    await clock.advance(600_000);
    return hosts.map((host, i) => (connectionOf(host)?.pings ?? 0) - (before[i] as number));
  };
  return { ...all, hosts, connectionOf, pingsIn600s };
}

test("ten backends that complain of the same PINGs make them half as often, not a thousandth as often", async () => {
  const { clock, hosts, connectionOf, pingsIn600s, close } = await tenBackends();
  for (const host of hosts) connectionOf(host)?.goaway(11, "too_many_pings");
  await clock.advance(10_000);
  for (const pings of await pingsIn600s()) assert.ok(pings >= 25 && pings <= 30, `${pings} PINGs`);
  close();
});

test("a backend that complains again and again slows the PINGs to itself alone, so that no other's death is hidden", async () => {
  const { clock, connector, hosts, connectionOf, pingsIn600s, close } = await tenBackends();
  const [first = "", second = ""] = hosts;
  for (let i = 0; i < 4; i++) {
    // Each complaint is about PINGs that it met.
    for (const due = clock.now() + 400_000; connectionOf(first)?.pings === 0 && clock.now() < due; )
      await clock.advance(1_000);
    connectionOf(first)?.goaway(11, "too_many_pings");
    await clock.advance(10_000);
  }
  const [toFirst = 0, ...toOthers] = await pingsIn600s();
  assert.ok(toFirst >= 2 && toFirst <= 4, `${toFirst} PINGs at 160 s`);
  for (const pings of toOthers) assert.ok(pings >= 25 && pings <= 30, `${pings} PINGs at 20 s`);
  const silent = connectionOf(second);
  assert.ok(silent !== undefined);
  silent.answersPings = false;
  await clock.advance(25_000);
  assert.equal(silent.closed, true);
  assert.equal(connector.open.length, 10);
  close();
});
