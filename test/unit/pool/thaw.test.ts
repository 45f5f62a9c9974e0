// The process was stopped for an hour (SIGSTOP, a frozen container, a debugger), and everything is due at once.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fakePool, TestCall } from "../../support/fake-pool.ts";
import { settle } from "../../support/manual-clock.ts";

const minutes = 60_000;
const addresses = Array.from({ length: 40 }, (_, i) => `10.0.0.${i + 1}`);

async function poolOfAnHourAgo(idleConnectionTimeoutMs: number) {
  const all = fakePool({
    rotationIntervalMs: 30_000,
    subchannel: {
      maxConnectionAgeMs: 30 * minutes,
      live: {
        keepalive: { pingIntervalMs: undefined, pingIdleConnection: false, pingTimeoutMs: 1_000 },
        idleConnectionTimeoutMs,
      },
    },
  });
  const { pool, clock, connector, resolver } = all;
  pool.wake();
  resolver.report(...addresses);
  await settle();
  await clock.advance(1 * minutes);
  assert.equal(connector.open.length, addresses.length);
  for (const connection of connector.open) connection.answersPings = true;
  return { ...all, refreshesBefore: resolver.refreshes, elders: [...connector.open] };
}

test("an hour later each connection is asked once and the resolver once, and few dials run at a time", async () => {
  const { pool, clock, connector, resolver, refreshesBefore, elders, close } = await poolOfAnHourAgo(
    Number.POSITIVE_INFINITY,
  );
  connector.answerWith(() => undefined);
  clock.stall(60 * minutes);
  await clock.advance(0);
  assert.equal(resolver.refreshes - refreshesBefore, 1);
  assert.deepEqual(new Set(elders.map(({ pings }) => pings)), new Set([1]));
  // All are past their age: they are replaced a few at a time, and serve until then.
  let most = 0;
  for (let replaced = 0; replaced < addresses.length; replaced++) {
    most = Math.max(most, connector.pending.length);
    connector.pending[0]?.succeed();
    await settle();
    await clock.advance(10);
    assert.equal(new TestCall(pool).start().waits, false, "calls go through all the time");
  }
  assert.ok(most >= 1 && most <= 0.05 * addresses.length, `${most} dials at once`);
  await clock.advance(5_000);
  assert.equal(resolver.refreshes - refreshesBefore, 1);
  close();
});

test("a connection that died meanwhile is passed over by calls from the PING's silence on, and leaves the others alone", async () => {
  const { pool, clock, connector, elders, close } = await poolOfAnHourAgo(Number.POSITIVE_INFINITY);
  const [dead] = elders;
  assert.ok(dead !== undefined);
  dead.answersPings = false;
  clock.stall(10 * minutes);
  await clock.advance(200);
  const served = new Map<string | undefined, number>();
  for (let i = 0; i < 2 * addresses.length; i++) {
    const { backend } = new TestCall(pool).start();
    served.set(backend, (served.get(backend) ?? 0) + 1);
  }
  assert.equal(served.get(dead.address), undefined);
  assert.equal(served.size, addresses.length - 1);
  await clock.advance(10_000);
  assert.ok(dead.closed);
  assert.equal(elders.filter(({ closed }) => closed).length, 1);
  assert.equal(connector.open.filter(({ address }) => address === dead.address).length, 1, "it is dialled anew");
  close();
});

test("connections that had no call for longer than they may are closed at once, and the next call dials", async () => {
  const { pool, clock, connector, hold, close } = await poolOfAnHourAgo(15 * minutes);
  hold.release();
  clock.stall(60 * minutes);
  await clock.advance(0);
  assert.deepEqual(connector.open, []);
  hold.acquire();
  pool.wake();
  const call = new TestCall(pool).start();
  await clock.advance(10);
  assert.deepEqual([call.waits, call.failure], [false, undefined]);
  close();
});
