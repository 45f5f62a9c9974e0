import assert from "node:assert/strict";
import { test } from "node:test";
import type { BackendsModule } from "../../../src/pool/late-backends.ts";
import * as backendsModule from "../../../src/pool/pool-backends.ts";
import { Late } from "../../../src/runtime/late.ts";
import { fakePool, TestCall } from "../../support/fake-pool.ts";
import { settle } from "../../support/manual-clock.ts";

/** A pool whose backends' code a test loads, or fails to load, by hand. */
function latePool() {
  const loads: { readonly succeed: () => void; readonly fail: () => void }[] = [];
  const load = () =>
    new Promise<BackendsModule>((resolve, reject) => {
      loads.push({
        succeed: () => resolve(backendsModule),
        fail: () => reject(new Error("Cannot find module pool-backends.js")),
      });
    });
  return { ...fakePool({ backendsModule: new Late(load) }), loads };
}

test("a pool begins to load what backends are made of when it wakes, and its newest list waits for that", async () => {
  const { pool, resolver, loads, close } = latePool();
  assert.equal(loads.length, 0);
  pool.wake();
  assert.equal(loads.length, 1);
  const call = new TestCall(pool).start();
  resolver.report("10.0.0.1");
  resolver.report("10.0.0.2", "10.0.0.3");
  await settle();
  assert.deepEqual(pool.subchannels, []);
  assert.equal(pool.queuedCalls, 1);
  loads[0]?.succeed();
  await settle();
  assert.deepEqual(
    pool.subchannels.map(({ id }) => id),
    ["10.0.0.2:1", "10.0.0.3:1"],
  );
  assert.notEqual(call.backend, undefined);
  assert.equal(loads.length, 1);
  close();
});

test("calls fail while what backends are made of cannot be loaded, and it is tried again after a second", async () => {
  const { pool, clock, resolver, loads, close } = latePool();
  pool.wake();
  loads[0]?.fail();
  await settle();
  const call = new TestCall(pool).start();
  resolver.report("10.0.0.1");
  await settle();
  assert.equal(loads.length, 2);
  loads[1]?.fail();
  await settle();
  assert.equal(call.failure?.message, "a part of glink could not be loaded: Cannot find module pool-backends.js");
  await clock.advance(1_000);
  assert.equal(loads.length, 3);
  loads[2]?.succeed();
  await settle();
  assert.equal(pool.canServe, true);
  close();
});

test("a pool that is closed before the code of its backends is there makes none, and is closed at once", async () => {
  const { pool, connector, resolver, loads } = latePool();
  pool.wake();
  resolver.report("10.0.0.1");
  let closed = false;
  pool.close({ kind: "closed", code: 1, progress: "unknown", message: "the transport was closed" }, () => {
    closed = true;
  });
  assert.equal(closed, true);
  loads[0]?.succeed();
  await settle();
  assert.deepEqual(pool.subchannels, []);
  assert.equal(connector.dials.length, 0);
});
