import assert from "node:assert/strict";
import { test } from "node:test";
import { fakePool } from "../support/fake-pool.ts";
import { settle } from "../support/manual-clock.ts";

/** Two backends that answer PINGs, every 10 s, and one of which has said GOAWAY with ENHANCE_YOUR_CALM. */
async function afterGoaway(debug: string) {
  const keepalive = { pingIntervalMs: 10_000, pingIdleConnection: true, pingTimeoutMs: 1_000 };
  const all = fakePool({
    subchannel: { live: { keepalive, idleConnectionTimeoutMs: Number.POSITIVE_INFINITY } },
  });
  const { pool, clock, connector, resolver } = all;
  connector.answerWith((dial) => {
    dial.succeed().answersPings = true;
  });
  pool.wake();
  resolver.report("10.0.0.1", "10.0.0.2");
  await settle();
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
