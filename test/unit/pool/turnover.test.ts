import assert from "node:assert/strict";
import { test } from "node:test";
import type { LoadBalancing } from "../../../src/balancing/policy.ts";
import { roundRobin } from "../../../src/balancing/round-robin.ts";
import { type Attributes, endpointWeight, noAttributes } from "../../../src/endpoint/attributes.ts";
import { type Endpoint, endpointId, endpointOf } from "../../../src/endpoint/endpoint.ts";
import type { EndpointList } from "../../../src/pool/endpoint-list.ts";
import { Members, type MembersChange } from "../../../src/pool/members.ts";
import type { Steps } from "../../../src/runtime/portions.ts";
import type { Subchannel } from "../../../src/subchannel/subchannel.ts";
import { addressOf, callsTo, type FakePoolOptions, fakePool, TestCall } from "../../support/fake-pool.ts";
import { settle } from "../../support/manual-clock.ts";

const hosts = (from: number, count: number) =>
  Array.from({ length: count }, (_, i) => `10.0.${(from + i) >> 8}.${(from + i) & 255}`);

/** More than come in a turn of the event loop, or leave in one, by what a turn may cost. */
const [mostNamed, mostDeparted] = [63, 9];

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** How much a number grows in each turn, until it is what it should be. */
async function growthPerTurn(grown: () => number, until: number): Promise<number[]> {
  const growth: number[] = [];
  for (let before = grown(); before < until; ) {
    await turn();
    growth.push(grown() - before);
    before = grown();
  }
  return growth;
}

async function connectedPool(count: number, options: FakePoolOptions = {}) {
  const parts = fakePool(options);
  parts.pool.wake();
  parts.resolver.report(...hosts(0, count));
  while (parts.pool.readyCount < count) await settle();
  return parts;
}

test("of a list of thousands no turn dials more than some", async () => {
  const { pool, connector, resolver, close } = fakePool({ connects: false });
  pool.wake();
  resolver.report(...hosts(0, 2_000));
  assert.equal(connector.dials.length, 0);
  const growth = await growthPerTurn(() => connector.dials.length, 2_000);
  assert.ok(Math.max(...growth) <= mostNamed, `${Math.max(...growth)} dials in a turn`);
  assert.equal(pool.subchannels.length, 2_000);
  close();
});

test("hundreds that leave are let go some in each turn, and calls meet none that has left", async () => {
  const { pool, connector, events, resolver, close } = await connectedPool(800);
  const closed = () => connector.dials.filter(({ connection }) => connection?.closed === true).length;
  resolver.report(...hosts(400, 400));
  const first = closed();
  assert.ok(first <= mostDeparted, `${first} closed at once`);
  const counts: number[] = [first];
  for (let before = first; before < 400; before = closed()) {
    assert.equal([...callsTo(pool, 20).keys()].includes("queue"), false);
    await turn();
    counts.push(closed() - before);
  }
  assert.ok(Math.max(...counts) <= mostDeparted, `${Math.max(...counts)} closed in a turn`);
  await settle();
  assert.equal(pool.subchannels.length, 400);
  assert.equal(pool.readyCount, 400);
  const updates = events.ofType("pool-updated").filter(({ removed }) => removed.length > 0);
  assert.deepEqual(
    updates.map(({ removed, kept }) => [removed.length, kept]),
    [[400, 400]],
  );
  close();
});

test("a backend that waits to leave and is named again stays, with its connection", async () => {
  const { pool, connector, resolver, close } = await connectedPool(800);
  resolver.report(...hosts(400, 400));
  resolver.report(...hosts(0, 800));
  await settle();
  while (pool.readyCount < 800) await settle();
  assert.ok(connector.dials.length < 800 + 4 * mostDeparted, `${connector.dials.length} dials`);
  assert.equal(pool.subchannels.length, 800);
  close();
});

test("a list that comes while thousands are taken in takes their place", async () => {
  const { pool, connector, resolver, close } = fakePool();
  pool.wake();
  resolver.report(...hosts(0, 3_000));
  await turn();
  resolver.report("10.9.0.1", "10.9.0.2");
  for (let i = 0; i < 20; i++) await turn();
  assert.deepEqual(
    connector.dials.map(({ address }) => address),
    ["10.9.0.1:1", "10.9.0.2:1"],
  );
  assert.equal(pool.subchannels.length, 2);
  close();
});

test("a list that is told again while thousands are dialled leaves none out", async () => {
  const { pool, connector, resolver, close } = fakePool();
  pool.wake();
  resolver.report(...hosts(0, 1_500));
  while (connector.dials.length === 0) await turn();
  resolver.report(...hosts(0, 1_500));
  assert.ok(connector.dials.length < 1_500, "it came too late");
  for (let i = 0; i < 40; i++) await turn();
  assert.equal(connector.dials.length, 1_500);
  assert.equal(pool.readyCount, 1_500);
  close();
});

test("lists of thousands that come faster than they can be read are taken in all the same, the newest in the end", async () => {
  const { pool, connector, resolver, close } = fakePool();
  pool.wake();
  for (let from = 0; from < 40; from++) {
    resolver.report(...hosts(from, 2_000));
    await turn();
  }
  assert.ok(connector.dials.length > 0, "not before the resolver is quiet");
  for (let i = 0; i < 80; i++) await turn();
  assert.deepEqual(
    pool.subchannels.map(({ id }) => id),
    hosts(39, 2_000).map((host) => `${host}:1`),
  );
  close();
});

test("policies hear of every endpoint that is another, though the list comes again while they do", async () => {
  const told = new Map<string, number>();
  const inner = roundRobin();
  const loadBalancing: LoadBalancing = {
    name: "heard",
    createPolicy(controller) {
      const policy = inner.createPolicy(controller);
      return {
        update(update) {
          for (const { id, weight } of update.changed) told.set(id, weight);
          policy.update(update);
        },
      };
    },
  };
  const { resolver, close } = await connectedPool(1_500, { loadBalancing });
  const attributes = noAttributes.with(endpointWeight, 3);
  const endpoints = hosts(0, 1_500).map((host) => ({ addresses: [addressOf(host)], attributes }));
  const heard = () => [...told.values()].filter((weight) => weight === 3).length;
  // Each time others have been looked at: in reading, in comparing and in telling.
  for (let turns = 0; turns < 4; turns++) {
    resolver.listener?.onResolution({ endpoints });
    assert.ok(heard() < 1_500, "it came too late");
    for (let i = 0; i < turns; i++) await turn();
  }
  for (let i = 0; i < 40; i++) await turn();
  assert.equal(heard(), 1_500);
  close();
});

test("what a list changes of backends is news to the next one, when it was not taken in to its end", () => {
  const create = (endpoint: Endpoint) =>
    ({ id: endpointId(endpoint), endpoint, state: "idle" }) as unknown as Subchannel;
  const members = new Members(create, () => false);
  const listWith = (attributes: Attributes): EndpointList =>
    new Map(hosts(0, 200).map((host) => [`${host}:1`, { ...endpointOf(addressOf(host)), attributes }]));
  const toItsEnd = (steps: Steps<MembersChange>) => {
    for (let step = steps.next(); ; step = steps.next()) if (step.done === true) return step.value;
  };
  assert.equal(toItsEnd(members.reconcile(listWith(noAttributes), new Set())).added.length, 200);
  const heavy = listWith(noAttributes.with(endpointWeight, 3));
  assert.equal(members.reconcile(heavy, new Set()).next().done, false);
  assert.equal(toItsEnd(members.reconcile(heavy, new Set())).updated.length, 200);
  assert.ok(members.list.every(({ endpoint }) => endpoint.attributes.get(endpointWeight) === 3));
});

test("when the last of hundreds has left, and none is named, calls fail", async () => {
  const { pool, resolver, close } = await connectedPool(100);
  resolver.listener?.onResolution({ endpoints: [], authoritative: true });
  assert.ok(pool.subchannels.length > 0);
  while (pool.subchannels.length > 0) await turn();
  await settle();
  assert.equal(new TestCall(pool).start().failure?.message, "the resolver says that echo.test has no endpoints");
  close();
});

test("addresses are those of the moment in which they were reported", async () => {
  const { pool, connector, resolver, close } = fakePool();
  pool.wake();
  const addresses = hosts(0, 1_500).map(addressOf);
  resolver.listener?.onAddresses(addresses);
  addresses.length = 0;
  while (connector.dials.length < 1_500) await settle();
  assert.equal(pool.readyCount, 1_500);
  close();
});

test("a pool of hundreds that is closed lets some go in each turn, and is closed when all have left", async () => {
  const { pool, connector } = await connectedPool(800);
  const left = () => connector.dials.filter(({ connection }) => connection?.closed === true).length;
  let leftAtEnd: number | undefined;
  pool.close({ kind: "closed", code: 1, progress: "unknown", message: "the transport was closed" }, () => {
    leftAtEnd = left();
  });
  const first = left();
  assert.ok(first > 0 && first <= mostDeparted, `${first} closed at once`);
  assert.deepEqual(pool.subchannels, []);
  const growth = await growthPerTurn(left, 800);
  assert.ok(Math.max(...growth) <= mostDeparted, `${Math.max(...growth)} closed in a turn`);
  await turn();
  assert.equal(leftAtEnd, 800);
});
