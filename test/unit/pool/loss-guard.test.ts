import assert from "node:assert/strict";
import { test } from "node:test";
import { callsTo, fakePool, ManualResolver } from "../../support/fake-pool.ts";
import { settle } from "../../support/manual-clock.ts";

/** A pool of which four backends work, and whose resolver says that its answers may lack some. */
async function poolOfFour() {
  const resolver = Object.assign(new ManualResolver("dns"), { confirmLosses: true });
  const fake = fakePool({ resolver });
  fake.pool.wake();
  resolver.report("10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4");
  await settle();
  const serving = () => [...callsTo(fake.pool, 24).keys()].sort();
  const stale = () => fake.pool.subchannels.filter((one) => fake.pool.isStale(one)).map(({ id }) => id);
  return { ...fake, resolver, serving, stale };
}

const all = ["10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1", "10.0.0.4:1"];

test("an answer that lacks more than half of what works is doubted: another lookup is asked for, and all serve meanwhile", async () => {
  const { resolver, events, serving, stale, close } = await poolOfFour();
  const refreshes = resolver.refreshes;
  resolver.report("10.0.0.1");
  await settle();
  assert.equal(resolver.refreshes, refreshes + 1);
  assert.deepEqual(stale(), all.slice(1));
  assert.deepEqual(serving(), all);
  assert.deepEqual(events.ofType("backends-stale"), [{ type: "backends-stale", stale: all.slice(1), returned: [] }]);
  close();
});

test("a second answer that agrees is believed, and its new backends did not wait for that", async () => {
  const { resolver, connector, events, serving, stale, close } = await poolOfFour();
  resolver.report("10.0.0.1", "10.0.0.9");
  await settle();
  assert.equal(connector.dialsOf("10.0.0.9:1").length, 1);
  resolver.report("10.0.0.1", "10.0.0.9");
  await settle();
  assert.deepEqual(stale(), []);
  assert.deepEqual(serving(), ["10.0.0.1:1", "10.0.0.9:1"]);
  assert.deepEqual(events.ofType("pool-updated").at(-1)?.removed, all.slice(1));
  close();
});

test("a second answer that has them again leaves every connection as it was", async () => {
  const { resolver, connector, events, serving, stale, close } = await poolOfFour();
  resolver.report("10.0.0.2");
  await settle();
  resolver.listener?.onError(new Error("SERVFAIL"));
  await settle();
  assert.equal(stale().length, 3, "a failed lookup says nothing");
  resolver.report("10.0.0.4", "10.0.0.3", "10.0.0.2", "10.0.0.1");
  await settle();
  assert.deepEqual(stale(), []);
  assert.deepEqual(serving(), all);
  assert.equal(connector.dials.length, 4);
  assert.deepEqual(events.ofType("backends-stale").at(-1)?.returned, ["10.0.0.1:1", "10.0.0.3:1", "10.0.0.4:1"]);
  close();
});

test("a stale backend that stops working leaves at once, and is not dialled again", async () => {
  const { resolver, connector, serving, close } = await poolOfFour();
  resolver.report("10.0.0.1");
  await settle();
  connector.open.find(({ address }) => address === "10.0.0.3:1")?.lose();
  await settle();
  assert.deepEqual(serving(), ["10.0.0.1:1", "10.0.0.2:1", "10.0.0.4:1"]);
  assert.equal(connector.dialsOf("10.0.0.3:1").length, 1);
  close();
});

test("half of the pool may go at once, and so may what does not work", async () => {
  const { resolver, connector, serving, stale, close } = await poolOfFour();
  resolver.report("10.0.0.1", "10.0.0.2");
  await settle();
  assert.deepEqual(serving(), ["10.0.0.1:1", "10.0.0.2:1"]);
  connector.answerWith((dial) => dial.fail());
  resolver.report("10.0.0.1", "10.0.0.2", "10.0.0.5", "10.0.0.6");
  await settle();
  resolver.report("10.0.0.1");
  await settle();
  assert.deepEqual(stale(), [], "one of two that work");
  close();
});

test("where none of a doubted answer can be reached, the old ones serve on after it is believed, as ever", async () => {
  const { resolver, connector, serving, stale, close } = await poolOfFour();
  connector.answerWith((dial) => dial.fail());
  resolver.report("10.0.0.9");
  await settle();
  assert.deepEqual(stale(), all);
  resolver.report("10.0.0.9");
  await settle();
  assert.deepEqual(stale(), []);
  assert.deepEqual(serving(), all);
  close();
});

test("a resolver that does not ask for it is believed at once", async () => {
  const { pool, resolver, close } = fakePool();
  pool.wake();
  resolver.report("10.0.0.1", "10.0.0.2", "10.0.0.3");
  await settle();
  resolver.report("10.0.0.1");
  await settle();
  assert.deepEqual(
    pool.subchannels.map(({ id }) => id),
    ["10.0.0.1:1"],
  );
  close();
});
