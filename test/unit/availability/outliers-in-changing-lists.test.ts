import assert from "node:assert/strict";
import { test } from "node:test";
import { endpointWeight, noAttributes } from "../../../src/endpoint/attributes.ts";
import type { Subchannel } from "../../../src/subchannel/subchannel.ts";
import { addressOf, pickInfo } from "../../support/fake-pool.ts";
import { settle } from "../../support/manual-clock.ts";
import { EndedCall, never, type Outcome, poolOf, type Setting, unavailable } from "./outlier-pool.ts";

// gRFC A50: what is known of a backend is kept while the list names its address, whatever else of the list changes, and
// dropped with it.

/** Four backends, of which the first was ejected. */
async function withOneEjected(setting: Setting = {}) {
  const all = await poolOf(setting);
  await all.calls(20, all.oneFails);
  assert.equal(all.bad.availability, "ejected");
  const list = async (...addresses: string[]) => {
    all.resolver.report(...addresses);
    await settle();
  };
  const fails =
    (address: string): Outcome =>
    (one) =>
      one.startsWith(address) ? unavailable : undefined;
  const backend = (address: string) => all.pool.subchannels.find(({ id }) => id.startsWith(address)) as Subchannel;
  return { ...all, list, fails, backend };
}

const [a, b, c, d, e] = ["10.0.0.0", "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"] as const;

test("an ejected backend stays ejected, and no longer, whatever else of the list changes: order, others, attributes", async () => {
  const { bad, list, resolver, clock, close } = await withOneEjected();
  await clock.advance(10_000);
  await list(d, c, a, b);
  await list(a, b, c, e);
  const attributes = noAttributes.with(endpointWeight, 2);
  const endpoints = [a, b, c, e].map((address) => ({ addresses: [addressOf(address)], attributes }));
  resolver.listener?.onResolution({ endpoints });
  await settle();
  assert.equal(bad.weight, 2);
  await clock.advance(19_999);
  assert.equal(bad.availability, "ejected");
  await clock.advance(1);
  assert.equal(bad.availability, "usable");
  close();
});

test("how often a backend was ejected is kept as well, while others come and leave", async () => {
  const { bad, list, calls, oneFails, events, clock, close } = await withOneEjected();
  await clock.advance(30_000);
  await list(a, b, c, e);
  await calls(8, () => undefined);
  assert.equal(bad.availability, "usable");
  await calls(40, oneFails);
  assert.deepEqual(
    events.ofType("backend-ejected").map(({ ejections }) => ejections),
    [1, 2],
  );
  close();
});

test("a backend that left and comes back begins anew: it is used at once, and its first ejection is a first one", async () => {
  const { list, backend, calls, fails, served, events, clock, close } = await withOneEjected();
  await list(b, c, d);
  await list(a, b, c, d);
  assert.equal(backend(a).availability, "usable");
  assert.ok(served().some((address) => address.startsWith(a)));
  await calls(16, fails(a));
  assert.equal(backend(a).availability, "usable", "four failures are not enough again");
  await calls(4, fails(a));
  assert.equal(backend(a).availability, "ejected");
  assert.deepEqual(
    events.ofType("backend-ejected").map(({ ejections, ejectionMs }) => [ejections, ejectionMs]),
    [
      [1, 30_000],
      [1, 30_000],
    ],
  );
  close();
  assert.equal(clock.pending, 0);
});

test("another address in the place of an ejected one is another backend, of which nothing is held", async () => {
  const { list, backend, served, events, clock, close } = await withOneEjected();
  await list(e, b, c, d);
  assert.equal(backend(e).availability, "usable");
  assert.ok(served().some((address) => address.startsWith(e)));
  await clock.advance(300_000);
  assert.deepEqual(events.ofType("backend-probing"), [], "the old one's time is over with it");
  close();
  assert.equal(clock.pending, 0);
});

test("a backend that leaves is forgotten, and makes room for another ejection", async () => {
  const { bad, list, backend, calls, fails, clock, close } = await withOneEjected();
  await list(b, c, d);
  assert.equal(bad.availability, "usable");
  await calls(20, fails(b));
  assert.equal(backend(b).availability, "ejected");
  close();
  assert.equal(clock.pending, 0);
});

test("one that leaves while a single call decides on it makes room as well", async () => {
  const { list, backend, calls, fails, clock, close } = await withOneEjected();
  await clock.advance(30_000);
  await list(b, c, d);
  await calls(20, fails(b));
  assert.equal(backend(b).availability, "ejected");
  close();
  assert.equal(clock.pending, 0);
});

test("calls that fail on a backend after it has left eject nobody, and take no other's place", async () => {
  const { pool, calls, list, backend, fails, events, close } = await withOneEjected();
  const left = backend(d);
  const [live] = left.connections;
  // Calls that are open hold its connection.
  const open = Array.from({ length: 8 }, () => pool.subchannels.map(() => new EndedCall(pool).start())).flat();
  await list(a, b, c);
  for (let i = 0; i < 20; i++) live?.noteEnd(unavailable, { method: pickInfo.method, deadlineMs: never });
  for (const one of open) one.end(() => undefined);
  assert.equal(left.availability, "usable");
  await list(b, c, e);
  await calls(20, fails(b));
  assert.deepEqual(
    events.ofType("backend-ejected").map(({ address }) => address.split(":")[0]),
    [a, b],
  );
  close();
});

test("an ejected backend that a doubted answer lacks stays, ejected, until another answer lacks it too", async () => {
  const { bad, list, served, clock, close } = await withOneEjected({ confirmLosses: true });
  await list(b);
  assert.equal(bad.state, "ready", "the answer is doubted");
  assert.equal(bad.availability, "ejected");
  assert.equal(
    served().some((address) => address.startsWith(a)),
    false,
  );
  await list(b);
  assert.deepEqual([bad.state, bad.availability], ["shutdown", "usable"]);
  close();
  assert.equal(clock.pending, 0);
});

test("a list that shrinks ends no ejection, and allows no further one while there are as many as may be", async () => {
  const { pool, calls, resolver, events, close } = await poolOf({ size: 20 });
  const [one, two, three] = pool.subchannels as readonly Subchannel[] as [Subchannel, Subchannel, Subchannel];
  const failing = new Set([one.id, two.id, three.id]);
  const outcome: Outcome = (address) => (failing.has(address) ? unavailable : undefined);
  await calls(20 * 8, outcome);
  assert.deepEqual(
    [one, two, three].map(({ availability }) => availability),
    ["ejected", "ejected", "usable"],
    "two are a tenth of twenty",
  );
  resolver.report(...Array.from({ length: 12 }, (_, i) => `10.0.0.${i}`));
  await settle();
  await calls(12 * 8, outcome);
  assert.deepEqual(
    [one, two, three].map(({ availability }) => availability),
    ["ejected", "ejected", "usable"],
  );
  assert.equal(events.ofType("backend-ejected").length, 2);
  close();
});

test("where so few of a list are left that those which are not ejected would carry too much, calls go to all of them", async () => {
  const { bad, list, served, events, close } = await withOneEjected();
  await list(a, b, c);
  assert.equal(served().includes(bad.id), false);
  await list(a);
  assert.deepEqual(served(), [bad.id]);
  assert.equal(bad.availability, "ejected");
  assert.equal(events.ofType("panic-began").length, 1);
  close();
});
