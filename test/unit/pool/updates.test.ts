import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type LoadBalancing,
  type PolicyUpdate,
  pickFromReady,
  type ReadyPicker,
} from "../../../src/balancing/policy.ts";
import { roundRobin } from "../../../src/balancing/round-robin.ts";
import { type FakePoolOptions, fakePool, TestCall } from "../../support/fake-pool.ts";
import { settle } from "../../support/manual-clock.ts";

const hosts = (count: number) => Array.from({ length: count }, (_, i) => `10.0.${i >> 8}.${i & 255}`);

/** Round robin, and what it was told. */
function watchedRoundRobin() {
  const updates: PolicyUpdate[] = [];
  const inner = roundRobin();
  const loadBalancing: LoadBalancing = {
    name: "watched",
    createPolicy: (controller) => {
      const policy = inner.createPolicy(controller);
      return {
        update: (update) => {
          updates.push(update);
          policy.update(update);
        },
      };
    },
  };
  return { updates, loadBalancing };
}

function start(count: number, options: FakePoolOptions) {
  const all = fakePool(options);
  all.pool.wake();
  all.resolver.report(...hosts(count));
  return all;
}

/** Each socket's event has its own microtasks, all of them before the turn of the event loop is over. */
async function microtasks(): Promise<void> {
  for (let i = 0; i < 20; i++) await undefined;
}

test("1 500 backends that connect in one turn of the event loop are two updates, and each change is told once", async () => {
  const { updates, loadBalancing } = watchedRoundRobin();
  const { pool, connector, close } = start(1_500, { loadBalancing, connects: false });
  while (connector.pending.length < 1_500) await settle();
  const before = updates.length;
  const call = new TestCall(pool).start();
  const [first, ...others] = connector.pending;
  first?.succeed();
  await microtasks();
  assert.equal(call.waits, false, "the first ready backend serves at once");
  for (const dial of others) {
    dial.succeed();
    await microtasks();
  }
  assert.equal(updates.length, before + 1, "nothing waits for the others");
  await settle();
  assert.equal(updates.length, before + 2);
  assert.equal(updates.at(-1)?.ready.length, 1_500);
  assert.equal(pool.readyCount, 1_500);
  const told = updates.reduce((sum, { changed }) => sum + changed.length, 0);
  assert.ok(told <= 3 * 1_500, `${told} changes: each is new, is dialled, is ready`);
  close();
});

test("1 500 backends that connect in a turn each cost a look at each, not at all for each", async () => {
  const { updates, loadBalancing } = watchedRoundRobin();
  const { connector, close } = start(1_500, { loadBalancing, connects: false });
  while (connector.pending.length < 1_500) await settle();
  for (const dial of connector.pending) {
    dial.succeed();
    await new Promise((resolve) => setImmediate(resolve));
  }
  await settle();
  const told = updates.reduce((sum, { changed }) => sum + changed.length, 0);
  assert.ok(told <= 3 * 1_500, `${told} changes`);
  assert.equal(updates.at(-1)?.ready.length, 1_500);
  close();
});

test("a policy is told what changed: what is new, has another state or availability, or has left", async () => {
  const { updates, loadBalancing } = watchedRoundRobin();
  const { pool, connector, resolver, close } = start(3, { loadBalancing });
  await settle();
  const keys = (list: readonly { readonly id: string }[] | undefined) => list?.map(({ id }) => id).sort();
  assert.deepEqual(keys(updates[0]?.changed), ["10.0.0.0:1", "10.0.0.1:1", "10.0.0.2:1"]);
  assert.deepEqual(updates[0]?.ready, []);
  const { ready } = updates.at(-1) as PolicyUpdate;
  connector.answerWith(() => undefined);
  resolver.report(...hosts(4));
  await settle();
  assert.deepEqual(keys(updates.at(-1)?.changed), ["10.0.0.3:1"]);
  assert.equal(updates.at(-1)?.backends.length, 4);
  assert.equal(updates.at(-1)?.ready, ready, "the same array: a policy that only picks has nothing to do");
  connector.open[0]?.lose();
  await settle();
  assert.ok(updates.at(-1)?.changed.every(({ id }) => id === "10.0.0.0:1"));
  assert.deepEqual(keys(updates.at(-1)?.ready), ["10.0.0.1:1", "10.0.0.2:1"]);
  pool.subchannels[1]?.connections[0]?.suspect();
  await settle();
  assert.deepEqual(keys(updates.at(-1)?.changed), ["10.0.0.1:1"]);
  assert.deepEqual(keys(updates.at(-1)?.ready), ["10.0.0.2:1"]);
  resolver.report("10.0.0.1", "10.0.0.2");
  await settle();
  const left = updates.at(-1)?.changed ?? [];
  assert.deepEqual(keys(left), ["10.0.0.0:1", "10.0.0.3:1"]);
  assert.ok(left.every(({ state }) => state === "shutdown"));
  close();
});

/** A picker that counts how often it is asked; `pick` is any that chooses among the ready ones. */
function counting() {
  const picks = { count: 0 };
  const makePicker: ReadyPicker = (ready) => ({
    pick: () => {
      picks.count++;
      return ready.find(({ hasRoom }) => hasRoom) ?? "queue";
    },
  });
  return { picks, loadBalancing: pickFromReady("counting", makePicker) };
}

async function saturated(backends: number, waiting: number) {
  const { picks, loadBalancing } = counting();
  const all = fakePool({ loadBalancing, maxQueuedCalls: waiting });
  all.connector.answerWith((dial) => dial.succeed(1));
  all.pool.wake();
  all.resolver.report(...hosts(backends));
  await settle();
  const calls = Array.from({ length: backends + waiting }, () => new TestCall(all.pool).start());
  assert.equal(all.pool.queuedCalls, waiting);
  picks.count = 0;
  return { ...all, picks, calls };
}

test("a change of a pool that is full asks for one of 2 000 waiting calls, not for each of them twice", async () => {
  const { connector, picks, close, pool, calls } = await saturated(100, 2_000);
  connector.answerWith(() => undefined);
  connector.open[0]?.lose();
  await settle();
  // One update for the loss, and one for the dial.
  assert.ok(picks.count <= 2, `${picks.count} picks`);
  assert.equal(pool.queuedCalls, 2_000);
  picks.count = 0;
  for (const { stream } of calls.slice(50, 100)) stream?.finish();
  assert.equal(pool.queuedCalls, 1_950);
  assert.ok(picks.count <= 50, `${picks.count} picks for 50 slots`);
  close();
});

test("as many waiting calls are served as a new backend has room for, in their order", async () => {
  const { connector, resolver, picks, pool, calls, close } = await saturated(3, 100);
  connector.answerWith((dial) => dial.succeed(40));
  resolver.report(...hosts(4));
  await settle();
  assert.equal(pool.queuedCalls, 60);
  assert.ok(calls.slice(3, 43).every(({ waits }) => !waits));
  assert.ok(calls.slice(43).every(({ waits }) => waits));
  // 40 served, and one for each update that brought no room.
  assert.ok(picks.count <= 44, `${picks.count} picks`);
  close();
});

test("a call that fails when it is served, and calls again at once, waits behind those that waited before", async () => {
  const { pool, connector, resolver, close } = fakePool();
  connector.answerWith((dial) => dial.succeed(1));
  pool.wake();
  resolver.report("10.0.0.1");
  await settle();
  const order: string[] = [];
  class Impatient extends TestCall {
    readonly #name: string;
    constructor(name: string) {
      super(pool);
      this.#name = name;
    }
    override onPicked(subchannel: Parameters<TestCall["onPicked"]>[0]): void {
      super.onPicked(subchannel);
      order.push(this.#name);
      // Gone at once, and its caller calls again within the same turn.
      if (this.#name === "impatient" && order.length < 10) {
        this.stream?.finish();
        new Impatient("impatient").start();
      }
    }
  }
  const first = new TestCall(pool).start();
  new Impatient("impatient").start();
  const patient = new Impatient("patient").start();
  first.stream?.finish();
  await settle();
  assert.equal(patient.waits, false);
  assert.deepEqual(order, ["impatient", "patient"]);
  close();
});
