import assert from "node:assert/strict";
import { test } from "node:test";
import { subchannelDefaults } from "../../../src/subchannel/subchannel-options.ts";
import { fakePool } from "../../support/fake-pool.ts";
import { settle } from "../../support/manual-clock.ts";
import { seededRandom } from "../../support/random.ts";

const hourMs = 3_600_000;

/** A pool as by default of one backend that had its last call `beganMs` after the start of the process: what its timers wake. */
async function idlePool(beganMs: number, wakeUps: Set<number>) {
  const { maxConnectionAgeMs, idleConnectionTimeoutMs } = subchannelDefaults;
  const keepalive = { pingIntervalMs: undefined, pingIdleConnection: false, pingTimeoutMs: 15_000 };
  const live = { keepalive, idleConnectionTimeoutMs };
  const all = fakePool({
    held: false,
    random: seededRandom(beganMs),
    rotationIntervalMs: 30_000,
    subchannel: { maxConnectionAgeMs, live },
  });
  const { clock, pool, resolver } = all;
  const { setTimeout } = clock;
  clock.setTimeout = (callback, delayMs) =>
    setTimeout.call(
      clock,
      () => {
        wakeUps.add(Math.round(clock.now()));
        callback();
      },
      delayMs,
    );
  await clock.advance(beganMs);
  pool.wake();
  resolver.report("10.0.0.1");
  await settle();
  return all;
}

test("fifty targets that nobody calls wake their process every other second for a quarter of an hour, and then no more", async () => {
  const wakeUps = new Set<number>();
  const [forMs, connections] = [10 * 60_000, 50];
  for (let i = 0; i < connections; i++) {
    const { clock, pool, connector, resolver, close } = await idlePool(i * 137, wakeUps);
    await clock.advance(forMs - clock.now());
    assert.equal(connector.open.length, 1);
    assert.ok(resolver.refreshes >= 17, "the list is kept fresh");
    assert.equal(pool.readyCount, 1);
    if (i % 10 === 0) {
      await clock.advance(hourMs);
      assert.deepEqual([connector.open.length, clock.pending], [0, 0]);
    }
    close();
  }
  const inTime = [...wakeUps].filter((atMs) => atMs <= forMs);
  assert.ok(inTime.length <= forMs / 2_000, `${inTime.length} wake-ups in ten minutes`);
  assert.ok(inTime.length >= forMs / 4_000, "something was counted");
});
