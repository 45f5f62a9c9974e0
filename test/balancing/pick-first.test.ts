import assert from "node:assert/strict";
import { test } from "node:test";
import { pickFirst } from "../../src/balancing/pick-first.ts";
import { FakeBackend, policyOf } from "../support/fake-backend.ts";
import { callsTo, fakePool, pickInfo } from "../support/fake-pool.ts";
import { settle } from "../support/manual-clock.ts";
import { seededRandom } from "../support/random.ts";

function idle(...keys: string[]): FakeBackend[] {
  return keys.map((key) => new FakeBackend(key, "idle"));
}

test("the first backend takes all calls and the others are not dialled", () => {
  const list = idle("a", "b", "c");
  const { policy, picker } = policyOf(pickFirst());
  policy.update(list);
  assert.deepEqual(
    list.map(({ connects }) => connects),
    [1, 0, 0],
  );
  assert.equal(picker().pick(pickInfo), "queue");
  list[0]?.succeed();
  policy.update(list);
  for (let i = 0; i < 5; i++) assert.equal(picker().pick(pickInfo), list[0]);
  assert.deepEqual(
    list.map(({ connects }) => connects),
    [1, 0, 0],
  );
});

test("a backend that cannot be reached is followed by the next, in order", () => {
  const list = idle("a", "b", "c");
  const { policy, picker } = policyOf(pickFirst());
  policy.update(list);
  list[0]?.fail();
  policy.update(list);
  assert.deepEqual(
    list.map(({ state }) => state),
    ["transient-failure", "connecting", "idle"],
  );
  assert.equal(picker().pick(pickInfo), "queue");
  list[1]?.succeed();
  policy.update(list);
  assert.equal(picker().pick(pickInfo), list[1]);
});

test("when all have failed calls fail, and each is tried again", () => {
  const list = idle("a", "b");
  const { policy, picker } = policyOf(pickFirst());
  policy.update(list);
  for (const backend of list) {
    backend.fail();
    policy.update(list);
  }
  assert.match((picker().pick(pickInfo) as { message: string }).message, /no way to b/);
  for (const backend of list) backend.state = "idle";
  policy.update(list);
  assert.deepEqual(
    list.map(({ state }) => state),
    ["connecting", "connecting"],
  );
});

test("the chosen one stays while it is ready, also when an earlier one works again", () => {
  const list = idle("a", "b");
  const { policy, picker } = policyOf(pickFirst());
  list[0]?.fail();
  list[1]?.succeed();
  policy.update(list);
  list[0]?.succeed();
  policy.update(list);
  assert.equal(picker().pick(pickInfo), list[1]);
  (list[1] as FakeBackend).state = "idle";
  policy.update(list);
  assert.equal(picker().pick(pickInfo), list[0]);
});

test("a full backend lets calls wait", () => {
  const list = idle("a");
  const { policy, picker } = policyOf(pickFirst());
  list[0]?.succeed();
  policy.update(list);
  (list[0] as FakeBackend).full = true;
  assert.equal(picker().pick(pickInfo), "queue");
});

test("with shuffle, many clients choose different backends, and each keeps its order", () => {
  const random = seededRandom(11);
  const firsts = new Map<string, number>();
  for (let client = 0; client < 60; client++) {
    const list = idle("a", "b", "c");
    const { policy } = policyOf(pickFirst({ shuffle: true }), random);
    policy.update(list);
    policy.update([...list].reverse());
    const dialled = list.filter(({ connects }) => connects > 0);
    assert.equal(dialled.length, 1);
    const key = dialled[0]?.key ?? "";
    firsts.set(key, (firsts.get(key) ?? 0) + 1);
  }
  assert.equal(firsts.size, 3);
  for (const count of firsts.values()) assert.ok(count > 8);
});

test("when the chosen backend is lost each other one gets its chance, whatever happened to it long ago", () => {
  const list = idle("a", "b");
  const { policy, picker } = policyOf(pickFirst());
  policy.update(list);
  list[0]?.fail();
  policy.update(list);
  list[1]?.succeed();
  policy.update(list);
  // The failure of a is kept: nobody had a reason to dial it again.
  list[0]!.state = "idle";
  list[1]?.fail();
  policy.update(list);
  assert.equal(list[0]?.state, "connecting");
  assert.equal(picker().pick(pickInfo), "queue");
  list[0]?.fail();
  policy.update(list);
  assert.match((picker().pick(pickInfo) as { message: string }).message, /no way to/);
});

test("shuffle that is no boolean is refused by name", () => {
  assert.throws(
    () => pickFirst({ shuffle: "yes" as never }),
    /pickFirst: shuffle must be true or false, not the string "yes"/,
  );
  assert.throws(() => pickFirst({ shufle: true } as never), /pickFirst has no field "shufle": it knows shuffle/);
});

test("in a pool, a failed backend is left alone once another serves", async () => {
  const { pool, clock, connector, resolver, close } = fakePool({ loadBalancing: pickFirst(), connects: false });
  connector.answerWith((dial) => (dial.address === "10.0.0.1:1" ? dial.fail() : dial.succeed()));
  pool.wake();
  resolver.report("10.0.0.1", "10.0.0.2", "10.0.0.3");
  await clock.advance(60_000);
  assert.deepEqual(
    connector.dials.map(({ address }) => address),
    ["10.0.0.1:1", "10.0.0.2:1"],
  );
  assert.deepEqual(callsTo(pool, 4), new Map([["10.0.0.2:1", 4]]));
  connector.answerWith((dial) => dial.succeed());
  connector.open[0]?.lose();
  await settle();
  assert.equal(connector.open.length, 1);
  close();
});
