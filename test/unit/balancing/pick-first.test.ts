import assert from "node:assert/strict";
import { test } from "node:test";
import { pickFirst } from "../../../src/balancing/pick-first.ts";
import { FakeBackend, policyOf } from "../../support/fake-backend.ts";
import { callsTo, fakePool, pickInfo, TestCall } from "../../support/fake-pool.ts";
import { settle } from "../../support/manual-clock.ts";
import { seededRandom } from "../../support/random.ts";

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

test("the chosen one stays while it is ready, also when an earlier one works again: that one is let go", () => {
  const list = idle("a", "b");
  const { policy, picker } = policyOf(pickFirst());
  list[0]?.fail();
  list[1]?.succeed();
  policy.update(list);
  list[0]?.succeed();
  policy.update(list);
  assert.equal(picker().pick(pickInfo), list[1]);
  assert.equal(list[0]?.state, "idle");
  (list[1] as FakeBackend).state = "idle";
  policy.update(list);
  assert.equal(list[0]?.state, "connecting");
});

test("a backend that does not answer the dial keeps the next one waiting for 250 ms", async () => {
  const list = idle("a", "b", "c");
  const { policy, clock } = policyOf(pickFirst());
  const states = () => list.map(({ state }) => state);
  policy.update(list);
  await clock.advance(249);
  assert.deepEqual(states(), ["connecting", "idle", "idle"]);
  await clock.advance(1);
  assert.deepEqual(states(), ["connecting", "connecting", "idle"]);
  policy.update(list);
  assert.deepEqual(states(), ["connecting", "connecting", "idle"], "its own dial has 250 ms again");
  // The elder dial's failure says nothing about the newest, whose failure brings the next at once.
  list[0]?.fail();
  policy.update(list);
  assert.deepEqual(states(), ["transient-failure", "connecting", "idle"]);
  list[1]?.fail();
  policy.update(list);
  assert.deepEqual(states(), ["transient-failure", "transient-failure", "connecting"]);
  await clock.advance(250);
  assert.equal(clock.pending, 0, "there is nobody left to dial");
});

test("the first of two dials that succeeds serves, the other is given up, and no timer is left", async () => {
  const list = idle("a", "b", "c");
  const { policy, clock, picker } = policyOf(pickFirst());
  policy.update(list);
  await clock.advance(250);
  list[1]?.succeed();
  policy.update(list);
  assert.deepEqual(
    list.map(({ state }) => state),
    ["idle", "ready", "idle"],
  );
  assert.equal(picker().pick(pickInfo), list[1]);
  assert.equal(clock.pending, 0);
});

test("a backend that rests and cannot be dialled keeps no timer going", () => {
  const resting = new FakeBackend("a", "idle");
  resting.connect = () => undefined;
  const { policy, clock } = policyOf(pickFirst());
  policy.update([resting]);
  assert.equal(clock.pending, 0);
});

test("a policy that is closed while it dials leaves no timer", () => {
  const { policy, clock } = policyOf(pickFirst());
  policy.update(idle("a", "b"));
  policy.close?.();
  assert.equal(clock.pending, 0);
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
    const id = dialled[0]?.id ?? "";
    firsts.set(id, (firsts.get(id) ?? 0) + 1);
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

test("in a pool, of two backends that are ready at once one serves, and the connection of the other is closed", async () => {
  const { pool, clock, connector, resolver, events, close } = fakePool({
    loadBalancing: pickFirst(),
    connects: false,
  });
  pool.wake();
  resolver.report("10.0.0.1", "10.0.0.2", "10.0.0.3");
  await clock.advance(250);
  assert.equal(connector.pending.length, 2);
  const [first, second] = connector.dials.map((dial) => dial.succeed());
  await settle();
  assert.deepEqual([first?.closed, second?.closed], [false, true]);
  await clock.advance(60_000);
  assert.deepEqual(callsTo(pool, 4), new Map([["10.0.0.1:1", 4]]));
  assert.equal(connector.dials.length, 2);
  assert.deepEqual(
    events.ofType("connection-draining").map(({ address, reason }) => [address, reason]),
    [["10.0.0.2:1", "replaced"]],
  );
  close();
});

test("in a pool, a list of other backends is followed: the old one serves until one of the new is ready", async () => {
  const { pool, resolver, connector, clock, close } = fakePool({ loadBalancing: pickFirst(), connects: false });
  connector.answerWith((dial) => {
    if (dial.address === "10.0.0.2:1") dial.fail();
    else if (dial.address !== "10.0.0.3:1") dial.succeed();
  });
  pool.wake();
  resolver.report("10.0.0.1");
  await settle();
  const servedBy = () => [...callsTo(pool, 3).keys()];
  resolver.report("10.0.0.2", "10.0.0.3", "10.0.0.4");
  await settle();
  await settle();
  assert.deepEqual(servedBy(), ["10.0.0.1:1"], "one refuses, and the next does not answer yet");
  await clock.advance(250);
  await settle();
  assert.deepEqual(servedBy(), ["10.0.0.4:1"]);
  assert.equal(pool.subchannels.filter(({ state }) => state === "ready").length, 1);
  assert.equal(connector.open.length, 1);
  close();
});

test("in a pool, the dial of a silent backend is given up when the next one serves", async () => {
  const { pool, clock, connector, resolver, close } = fakePool({ loadBalancing: pickFirst(), connects: false });
  connector.answerWith((dial) => (dial.address === "10.0.0.2:1" ? dial.succeed() : undefined));
  pool.wake();
  resolver.report("10.0.0.1", "10.0.0.2", "10.0.0.3");
  const call = new TestCall(pool).start();
  await clock.advance(250);
  assert.equal(call.backend, "10.0.0.2:1");
  assert.equal(connector.dialsOf("10.0.0.1:1")[0]?.givenUp, true);
  assert.deepEqual(
    [...pool.subchannels].map(({ state }) => state),
    ["idle", "ready", "idle"],
  );
  close();
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

test("in a pool, nobody is dialled when the one that served goes to rest", async () => {
  const { pool, clock, hold, connector, resolver, close } = fakePool({
    loadBalancing: pickFirst(),
    held: false,
    connects: false,
    subchannel: {
      live: {
        keepalive: { pingIntervalMs: undefined, pingIdleConnection: false, pingTimeoutMs: 1_000 },
        idleConnectionTimeoutMs: 10_000,
      },
    },
  });
  connector.answerWith((dial) => (dial.address === "10.0.0.2:1" ? dial.succeed() : undefined));
  hold.acquire();
  pool.wake();
  resolver.report("10.0.0.1", "10.0.0.2");
  await clock.advance(250);
  assert.equal(connector.open.length, 1);
  hold.release();
  await clock.advance(60_000);
  assert.equal(connector.open.length, 0);
  assert.equal(connector.dials.length, 2);
  hold.acquire();
  pool.wake();
  // After so long a rest, calls wait for a fresh list.
  resolver.report("10.0.0.1", "10.0.0.2");
  await clock.advance(250);
  assert.equal(connector.dials.length, 4, "a call brings both to work again");
  hold.release();
  close();
});
