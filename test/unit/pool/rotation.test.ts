import assert from "node:assert/strict";
import { test } from "node:test";
import { callsTo, fakePool } from "../../support/fake-pool.ts";
import { settle } from "../../support/manual-clock.ts";
import { constantRandom, seededRandom } from "../../support/random.ts";

const addresses = ["10.0.0.1", "10.0.0.2", "10.0.0.3"];

/** All backends are ready, and their connections are to be replaced after 10 s. */
async function agingPool() {
  const all = fakePool({ subchannel: { maxConnectionAgeMs: 10_000 } });
  all.pool.wake();
  all.resolver.report(...addresses);
  await settle();
  return all;
}

test("the resolver is asked at every interval, whether or not there are calls", async () => {
  const { pool, clock, resolver, close } = fakePool({ rotationIntervalMs: 30_000, held: false });
  await clock.advance(60_000);
  assert.equal(resolver.refreshes, 0, "not before the pool is in use");
  pool.wake();
  resolver.report(...addresses);
  await clock.advance(300_000);
  assert.equal(resolver.refreshes, 10);
  close();
  await clock.advance(300_000);
  assert.equal(resolver.refreshes, 10);
  assert.equal(clock.pending, 0);
});

test("the interval varies by 10 % either way", async () => {
  for (const [random, intervalMs] of [
    [0, 27_000],
    [0.999_999, 33_000],
  ] as const) {
    const { pool, clock, resolver, close } = fakePool({ rotationIntervalMs: 30_000, random: constantRandom(random) });
    pool.wake();
    while (resolver.refreshes === 0) await clock.advance(1);
    await clock.advance(intervalMs - 10);
    assert.equal(resolver.refreshes, 1);
    await clock.advance(20);
    assert.equal(resolver.refreshes, 2);
    close();
  }
});

test("Infinity switches the timer and the age off", async () => {
  const { pool, clock, connector, resolver, close } = fakePool();
  pool.wake();
  resolver.report(...addresses);
  await clock.advance(86_400_000);
  assert.equal(resolver.refreshes, 0);
  assert.equal(connector.dials.length, 3);
  close();
});

test("connections are replaced at their age, one at a time and before they break", async () => {
  const { pool, clock, connector, events, resolver, close } = fakePool({ subchannel: { maxConnectionAgeMs: 10_000 } });
  pool.wake();
  resolver.report(...addresses);
  await settle();
  const elders = [...connector.open];
  const facts = events.ofType("subchannel-state").length;
  connector.answerWith(() => undefined);
  await clock.advance(10_000);
  for (let renewed = 1; renewed <= 3; renewed++) {
    await clock.advance(20_000);
    assert.equal(connector.pending.length, 1, "one successor at a time");
    assert.equal(elders.filter(({ closed }) => !closed).length, 4 - renewed, "the elder serves until then");
    assert.deepEqual([...callsTo(pool, 9).values()], [3, 3, 3]);
    connector.last.succeed();
    await clock.advance(1);
    assert.equal(elders.filter(({ closed }) => closed).length, renewed);
    assert.deepEqual([...callsTo(pool, 9).values()], [3, 3, 3]);
  }
  assert.equal(events.ofType("subchannel-state").length, facts, "no backend ever left the state ready");
  assert.equal(events.ofType("connection-draining").length, 3);
  assert.ok(events.ofType("connection-draining").every(({ reason }) => reason === "max-age"));
  close();
});

test("ages vary by 10 % either way", async () => {
  const random = seededRandom(7);
  const { pool, clock, connector, resolver, close } = fakePool({ random, subchannel: { maxConnectionAgeMs: 100_000 } });
  pool.wake();
  resolver.report(...Array.from({ length: 50 }, (_, i) => `10.0.1.${i}`));
  await settle();
  const beatMs = 200;
  await clock.advance(90_000 - beatMs);
  const atNinety = connector.dials.length;
  await clock.advance(10_000);
  const atHundred = connector.dials.length;
  await clock.advance(10_001);
  assert.equal(atNinety, 50);
  assert.ok(atHundred > 60 && atHundred < 90, `${atHundred} dials`);
  assert.equal(connector.dials.length, 100);
  close();
});

test("connections of few backends are replaced at beats that all pools share, those of many one by one", async () => {
  for (const [backends, moments] of [
    [1, 3],
    [100, 60],
  ] as const) {
    const expiries = new Set<number>();
    for (let i = 0; i < 100 / backends; i++) {
      const random = seededRandom(i);
      const { pool, resolver, close } = fakePool({ random, subchannel: { maxConnectionAgeMs: 300_000 } });
      pool.wake();
      resolver.report(...Array.from({ length: backends }, (_, i) => `10.0.1.${i}`));
      await settle();
      for (const { connections } of pool.subchannels) expiries.add(connections[0]?.expiresAtMs ?? 0);
      close();
    }
    const { size } = expiries;
    assert.ok(backends === 1 ? size <= moments : size >= moments, `${size} moments for ${backends} backends`);
  }
});

test("a successor that cannot be dialled leaves the elder in service, and the others get their turn", async () => {
  const { pool, clock, connector, resolver, close } = await agingPool();
  connector.answerWith((dial) => (dial.address === "10.0.0.1:1" ? dial.fail() : dial.succeed()));
  await clock.advance(15_000);
  assert.equal(pool.readyCount, 3);
  assert.equal(connector.dialsOf("10.0.0.1:1")[0]?.connection?.closed, false);
  assert.equal(connector.dialsOf("10.0.0.2:1").length, 2);
  assert.equal(connector.dialsOf("10.0.0.3:1").length, 2);
  assert.ok(connector.dialsOf("10.0.0.1:1").length > 2);
  assert.ok(resolver.refreshes > 0);
  assert.deepEqual([...callsTo(pool, 9).values()], [3, 3, 3]);
  connector.answerWith((dial) => dial.succeed());
  await clock.advance(10_000);
  assert.equal(connector.dialsOf("10.0.0.1:1")[0]?.connection?.closed, true);
  close();
});

test("rotation goes on after a backend is removed in the middle of its renewal", async () => {
  const { clock, connector, resolver, close } = await agingPool();
  connector.answerWith(() => undefined);
  await clock.advance(10_000);
  const renewing = connector.last.address.replace(":1", "");
  resolver.report(...addresses.filter((address) => address !== renewing));
  assert.equal(connector.last.givenUp, true);
  connector.answerWith((dial) => dial.succeed());
  await clock.advance(5_000);
  for (const address of addresses.filter((one) => one !== renewing)) {
    assert.equal(connector.dialsOf(`${address}:1`).length, 2);
  }
  close();
});

test("a connection that could not be replaced is tried again a second later", async () => {
  const { clock, connector, close } = await agingPool();
  connector.answerWith((dial) => dial.fail());
  await clock.advance(10_000);
  assert.equal(connector.dials.length, 4);
  await clock.advance(999);
  assert.equal(connector.dials.length, 4);
  await clock.advance(1);
  assert.equal(connector.dials.length, 5);
  close();
});

test("a pool that is closed in the middle of a renewal leaves no timer", async () => {
  const { clock, connector, close } = await agingPool();
  connector.answerWith(() => undefined);
  await clock.advance(10_000);
  assert.equal(connector.pending.length, 1);
  close();
  assert.equal(clock.pending, 0);
});

test("of thousands of connections several are replaced at a time, never more than 5 %, and a black hole stalls none", async () => {
  const { pool, clock, connector, resolver, close } = fakePool({ subchannel: { maxConnectionAgeMs: 10_000 } });
  pool.wake();
  const count = 400;
  resolver.report(...Array.from({ length: count }, (_, i) => `10.0.${i >> 8}.${i & 255}`));
  while (pool.readyCount < count) await settle();
  const blackHole = connector.dials[0]?.address;
  connector.answerWith(() => undefined);
  await clock.advance(10_000);
  assert.equal(connector.pending.length, count / 20);
  const holes = connector.pending.filter(({ address }) => address === blackHole);
  assert.equal(holes.length, 1);
  while (connector.dials.length < 2 * count) {
    const pending = connector.pending.filter(({ address }) => address !== blackHole);
    assert.ok(connector.pending.length <= count / 20);
    for (const dial of pending) dial.succeed();
    // A look at the ages every 4 ms.
    await clock.advance(5);
  }
  assert.equal(holes[0]?.settled, false);
  assert.equal(pool.readyCount, count);
  close();
});

test("a failed renewal is an event with its reason, shown until it succeeds; an episode has one first", async () => {
  const { pool, clock, connector, events, close } = await agingPool();
  connector.answerWith((dial) => dial.fail("EPROTO"));
  await clock.advance(15_000);
  const failed = events.ofType("renewal-failed");
  assert.ok(failed.length > 3);
  assert.equal(failed.filter(({ first }) => first).length, 1);
  assert.match(failed[0]?.error.message ?? "", /EPROTO/);
  assert.equal(new Set(failed.map(({ address }) => address)).size, 3);
  assert.ok(pool.subchannels.every(({ state }) => state === "ready"));
  assert.match(pool.subchannels[0]?.lastRenewalFailure?.message ?? "", /EPROTO/);
  connector.answerWith((dial) => dial.succeed());
  await clock.advance(15_000);
  assert.ok(pool.subchannels.every(({ lastRenewalFailure }) => lastRenewalFailure === undefined));
  const before = events.ofType("renewal-failed").length;
  connector.answerWith((dial) => dial.fail());
  await clock.advance(15_000);
  const again = events.ofType("renewal-failed").slice(before);
  assert.deepEqual(
    again.slice(0, 2).map(({ first }) => first),
    [true, false],
    "another episode",
  );
  close();
});
