import assert from "node:assert/strict";
import { test } from "node:test";
import { fakePool } from "../support/fake-pool.ts";
import { settle } from "../support/manual-clock.ts";

test("ENHANCE_YOUR_CALM that does not speak of PINGs leaves their pace alone", async () => {
  const keepalive = { pingIntervalMs: 10_000, pingIdleConnection: true, pingTimeoutMs: 1_000 };
  const { pool, clock, connector, resolver, close } = fakePool({
    subchannel: { live: { keepalive, idleConnectionTimeoutMs: Number.POSITIVE_INFINITY } },
  });
  connector.answerWith((dial) => {
    dial.succeed().answersPings = true;
  });
  pool.wake();
  resolver.report("10.0.0.1", "10.0.0.2");
  await settle();
  connector.open[0]?.goaway(11, "too much traffic");
  await clock.advance(250);
  assert.equal(connector.dials.length, 3, "one dial more for the connection that was sent away");
  await clock.advance(11_000);
  assert.deepEqual(
    connector.open.map(({ pings }) => pings),
    [1, 1],
  );
  close();
});
