import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { endpointPriority, noAttributes } from "../../../src/endpoint/attributes.ts";
import {
  type LoadBalancing,
  leastRequest,
  peakEwma,
  pickFirst,
  randomPick,
  ringHash,
  roundRobin,
  weightedRoundRobin,
} from "../../../src/index.ts";
import { addressOf, callsTo, fakePool, TestCall } from "../../support/fake-pool.ts";
import { settle } from "../../support/manual-clock.ts";

/** A pool with hosts of several priorities, of which some refuse, and some are silent. */
function setUp(
  levels: readonly (readonly string[])[],
  state: Readonly<Record<string, "refuses" | "silent">> = {},
  loadBalancing: LoadBalancing = roundRobin(),
) {
  const fake = fakePool({ connects: false, loadBalancing });
  const states: Record<string, "refuses" | "silent" | undefined> = { ...state };
  fake.connector.answerWith((dial) => {
    const how = states[dial.address.replace(/:1$/, "")];
    if (how === "refuses") dial.fail();
    else if (how === undefined) dial.succeed();
  });
  const endpoints = levels.flatMap((hosts, priority) =>
    hosts.map((host) => ({
      addresses: [addressOf(host)],
      attributes: noAttributes.with(endpointPriority, priority * 10),
    })),
  );
  fake.pool.wake();
  fake.resolver.listener?.onResolution({ endpoints: [...endpoints].reverse() });
  const used = () => [...callsTo(fake.pool, 20).keys()].sort();
  const dialled = (host: string) => fake.connector.dials.some(({ address }) => address === `${host}:1`);
  const lose = (...hosts: string[]) => {
    for (const host of hosts) states[host] = "refuses";
    for (const connection of fake.connector.open)
      if (hosts.some((host) => connection.address === `${host}:1`)) connection.lose();
  };
  const mend = (...hosts: string[]) => {
    for (const host of hosts) delete states[host];
  };
  return { ...fake, used, dialled, lose, mend };
}

const levels = [["10.0.0.1", "10.0.0.2"], ["10.1.0.1"], ["10.2.0.1"]];

describe("priorities", () => {
  test("send all calls to the first level, and the others are not dialled", async () => {
    const { used, dialled, clock, close } = setUp(levels);
    await clock.advance(60_000);
    assert.deepEqual(used(), ["10.0.0.1:1", "10.0.0.2:1"]);
    assert.ok(!dialled("10.1.0.1") && !dialled("10.2.0.1"));
    close();
  });

  test("send all calls to the first level while one of it is ready", async () => {
    const { used, clock, close } = setUp(levels, { "10.0.0.1": "refuses" });
    await clock.advance(60_000);
    assert.deepEqual(used(), ["10.0.0.2:1"]);
    close();
  });

  test("go on to the next level at once when each of the first has failed: no call does", async () => {
    const refusing = { "10.0.0.1": "refuses", "10.0.0.2": "refuses" } as const;
    const { pool, used, dialled, close, clock, events } = setUp(levels, refusing);
    const call = new TestCall(pool).start();
    for (let i = 0; i < 4; i++) await settle();
    assert.equal(call.failure, undefined);
    assert.deepEqual(used(), ["10.1.0.1:1"]);
    assert.deepEqual(events.ofType("hint"), [], "another priority is no sign of a family that cannot be reached");
    assert.ok(!dialled("10.2.0.1"));
    close();
    assert.equal(clock.pending, 0);
  });

  test("go on to the next level after 10 s in which the first did not answer its dials", async () => {
    const { used, dialled, close, clock } = setUp(levels, { "10.0.0.1": "silent", "10.0.0.2": "silent" });
    await clock.advance(9_999);
    assert.ok(!dialled("10.1.0.1"));
    await clock.advance(1);
    await settle();
    assert.deepEqual(used(), ["10.1.0.1:1"]);
    close();
  });

  test("go on to the third level when the second fails as well, and fail calls when all do", async () => {
    const refusing = { "10.0.0.1": "refuses", "10.0.0.2": "refuses", "10.1.0.1": "refuses" } as const;
    const third = setUp(levels, refusing);
    for (let i = 0; i < 6; i++) await settle();
    assert.deepEqual(third.used(), ["10.2.0.1:1"]);
    third.close();
    const none = setUp(levels, { ...refusing, "10.2.0.1": "refuses" });
    for (let i = 0; i < 8; i++) await settle();
    assert.deepEqual(none.used(), ["no-backend"]);
    none.close();
  });

  test("go back to the first level in the moment in which one of it is ready; those below leave 10 s later", async () => {
    const { pool, used, lose, mend, clock, events, close } = setUp(levels);
    await settle();
    lose("10.0.0.1", "10.0.0.2");
    for (let i = 0; i < 4; i++) await settle();
    assert.deepEqual(used(), ["10.1.0.1:1"]);
    mend("10.0.0.2");
    await clock.advance(1_000);
    await settle();
    assert.deepEqual(used(), ["10.0.0.2:1"], "not shared with the level below");
    assert.equal(pool.subchannels.length, 3);
    await clock.advance(10_000);
    await settle();
    assert.equal(pool.subchannels.length, 2);
    assert.deepEqual(
      events.ofType("priority-changed").map(({ from, to }) => [from, to]),
      [
        [undefined, 10],
        [10, 0],
      ],
    );
    close();
    assert.equal(clock.pending, 0);
  });

  test("have a ring each with ringHash: no call waits for a backend of a level that is not in use", async () => {
    const { pool, lose, mend, clock, close } = setUp(
      [["10.0.0.1"], ["10.1.0.1", "10.1.0.2"]],
      { "10.1.0.2": "silent" },
      ringHash(),
    );
    const callEachKey = async () => {
      const calls = Array.from({ length: 40 }, (_, i) => new TestCall(pool, { hashKey: `key ${i}` }).start());
      await settle();
      return calls.map(({ backend }) => backend);
    };
    await settle();
    assert.deepEqual(new Set(await callEachKey()), new Set(["10.0.0.1:1"]));
    lose("10.0.0.1");
    await settle();
    const below = await callEachKey();
    assert.deepEqual(new Set(below), new Set(["10.1.0.1:1", undefined]), "what is dialled is waited for");
    mend("10.0.0.1");
    await clock.advance(1_000);
    await settle();
    assert.deepEqual(
      new Set(await callEachKey()),
      new Set(["10.0.0.1:1"]),
      "some were dialled, and nobody waits for them",
    );
    lose("10.0.0.1");
    await settle();
    assert.deepEqual(await callEachKey(), below, "keys are where they were");
    close();
  });

  for (const policy of [
    roundRobin(),
    leastRequest(),
    peakEwma(),
    randomPick(),
    weightedRoundRobin(),
    pickFirst(),
    ringHash(),
  ]) {
    test(`are gone on to, and back from, with ${policy.name}`, async () => {
      const { used, lose, mend, clock, close } = setUp([["10.0.0.1"], ["10.1.0.1"]], {}, policy);
      const pass = async () => {
        await clock.advance(2_000);
        await settle();
      };
      await pass();
      assert.deepEqual(used(), ["10.0.0.1:1"]);
      lose("10.0.0.1");
      await pass();
      // Where backends are connected for calls alone, one has to come.
      used();
      await settle();
      assert.deepEqual(used(), ["10.1.0.1:1"]);
      mend("10.0.0.1");
      await pass();
      assert.deepEqual(used(), ["10.0.0.1:1"]);
      close();
    });
  }
});
