import assert from "node:assert/strict";
import { test } from "node:test";
import { checkAvailabilityOptions } from "../../../src/availability/availability-options.ts";
import { pickFromReady } from "../../../src/balancing/policy.ts";
import type { FakeConnection } from "../../support/fake-connector.ts";
import { fakePool } from "../../support/fake-pool.ts";
import { settle } from "../../support/manual-clock.ts";

async function poolOf(slowStartMs: number) {
  const updates: string[] = [];
  const loadBalancing = pickFromReady("own", (ready) => {
    updates.push(ready.map(({ id, weight }) => `${id} ${weight.toFixed(2)}`).join(", "));
    return { pick: () => ready[0] ?? "queue" };
  });
  const all = fakePool({ loadBalancing, availability: checkAvailabilityOptions({ slowStartMs }) });
  all.pool.wake();
  all.resolver.report("10.0.0.1");
  await settle();
  const weight = () => all.pool.subchannels[0]?.weight;
  return { ...all, updates, weight };
}

test("a backend that comes into use has a tenth of its weight, and more in proportion to its time there", async () => {
  const { clock, weight, updates, close } = await poolOf(10_000);
  assert.equal(weight(), 0.1);
  await clock.advance(1_000);
  assert.equal(weight(), 0.1);
  await clock.advance(1_000);
  assert.equal(weight(), 0.2);
  await clock.advance(3_000);
  assert.equal(weight(), 0.5);
  await clock.advance(4_999);
  assert.equal(weight(), 0.95);
  await clock.advance(1);
  assert.equal(weight(), 1);
  assert.ok(updates.includes("10.0.0.1:1 0.50"), "policies are told of each step");
  assert.equal(updates.length, 21);
  const { pending } = clock;
  await clock.advance(60_000);
  assert.equal(clock.pending, pending);
  assert.equal(updates.length, 21, "and of nothing after the last");
  close();
  assert.equal(clock.pending, 0);
});

test("it begins anew when the backend was lost", async () => {
  const { clock, connector, pool, weight, close } = await poolOf(1_000);
  await clock.advance(1_000);
  assert.equal(weight(), 1);
  pool.subchannels[0]?.connections[0]?.noteAnswer();
  (connector.open[0] as FakeConnection).lose();
  for (let i = 0; i < 3; i++) await settle();
  assert.equal(pool.subchannels[0]?.state, "ready");
  assert.equal(weight(), 0.1);
  close();
});

test("without it all have their weight at once, and no timer runs", async () => {
  const { clock, weight, updates, close } = await poolOf(0);
  assert.equal(weight(), 1);
  await clock.advance(60_000);
  assert.equal(updates.length, 1);
  assert.throws(() => checkAvailabilityOptions({ slowStartMs: -1 }), /slowStartMs must be a number from 0 to 3600000/);
  close();
});
