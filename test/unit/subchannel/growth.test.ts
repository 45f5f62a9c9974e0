import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ConnectionLimits } from "../../../src/subchannel/growth.ts";
import type { Subchannel } from "../../../src/subchannel/subchannel.ts";
import { fakePool, renewEldest, TestCall } from "../../support/fake-pool.ts";
import { settle } from "../../support/manual-clock.ts";

/** A pool of one backend whose connections take so many streams each. */
async function poolOf(connections: ConnectionLimits, streams: number) {
  const all = fakePool({ connects: false, subchannel: { connections } });
  all.connector.answerWith((dial) => dial.succeed(streams));
  all.pool.wake();
  all.resolver.report("10.0.0.1");
  await settle();
  const subchannel = all.pool.subchannels[0] as Subchannel;
  const streamsOf = () => subchannel.connections.map(({ openCalls }) => openCalls);
  const start = (count: number) => Array.from({ length: count }, () => new TestCall(all.pool).start());
  return { ...all, subchannel, streamsOf, start };
}

describe("connectionsPerBackend.max (gRFC A105)", () => {
  test("one more connection is dialled each time the streams of all are used up, and no more than that", async () => {
    const { connector, start, streamsOf, close } = await poolOf({ min: 1, max: 5 }, 10);
    const calls = start(9);
    await settle();
    assert.equal(connector.dials.length, 1, "one has room");
    calls.push(...start(91));
    assert.equal(connector.dials.length, 2, "one at a time");
    for (let i = 0; i < 10; i++) await settle();
    assert.deepEqual(streamsOf(), [10, 10, 10, 10, 10]);
    assert.equal(connector.dials.length, 5);
    assert.equal(calls.filter(({ waits }) => waits).length, 50);
    for (const call of calls) call.stream?.finish();
    await settle();
    assert.equal(calls.filter(({ waits }) => waits).length, 0);
    assert.equal(connector.dials.length, 5);
    close();
  });

  test("the eldest with room takes the next call, and the others stay open", async () => {
    const { start, streamsOf, close } = await poolOf({ min: 1, max: 3 }, 2);
    const calls = start(4);
    for (let i = 0; i < 4; i++) await settle();
    assert.deepEqual(streamsOf(), [2, 2, 0]);
    for (const call of calls.slice(0, 3)) call.stream?.finish();
    assert.deepEqual(streamsOf(), [0, 1, 0]);
    start(2);
    assert.deepEqual(streamsOf(), [2, 1, 0]);
    close();
  });

  test("none is dialled while one connects, nor during the wait after one that failed", async () => {
    const { connector, clock, start, subchannel, close } = await poolOf({ min: 1, max: 3 }, 1);
    connector.answerWith(() => undefined);
    start(3);
    await settle();
    assert.equal(connector.dials.length, 2);
    connector.last.fail();
    await settle();
    assert.equal(subchannel.state, "ready");
    await clock.advance(249);
    assert.equal(connector.dials.length, 2);
    await clock.advance(1);
    assert.equal(connector.dials.length, 3);
    close();
    assert.equal(clock.pending, 0);
  });

  test("a connection that is lost while its successor and one more are dialled makes no more than max", async () => {
    const { connector, start, subchannel, close } = await poolOf({ min: 1, max: 3 }, 1);
    start(1);
    for (let i = 0; i < 2; i++) await settle();
    connector.answerWith(() => undefined);
    start(1);
    renewEldest(subchannel);
    const [elder] = connector.open;
    assert.equal(connector.pending.length, 2);
    elder?.lose();
    for (const dial of connector.pending) dial.succeed(1);
    for (let i = 0; i < 4; i++) await settle();
    assert.equal(connector.open.length + connector.pending.length, 3);
    close();
  });
});

describe("connectionsPerBackend.min", () => {
  test("so many are there from the start, and share the calls", async () => {
    const { start, streamsOf, subchannel, close } = await poolOf({ min: 3, max: 3 }, Number.POSITIVE_INFINITY);
    for (let i = 0; i < 3; i++) await settle();
    assert.equal(subchannel.connections.length, 3);
    start(9);
    assert.deepEqual(streamsOf(), [3, 3, 3]);
    close();
  });

  test("calls one after the other go round as well", async () => {
    const { start, subchannel, close } = await poolOf({ min: 3, max: 3 }, Number.POSITIVE_INFINITY);
    for (let i = 0; i < 3; i++) await settle();
    for (let i = 0; i < 9; i++) for (const { stream } of start(1)) stream?.finish();
    assert.deepEqual(
      subchannel.connections.map(({ calls }) => calls),
      [3, 3, 3],
    );
    close();
  });

  test("one that is lost is made again, and one that drains is replaced", async () => {
    const { connector, subchannel, close } = await poolOf({ min: 2, max: 2 }, Number.POSITIVE_INFINITY);
    for (let i = 0; i < 3; i++) await settle();
    connector.open[0]?.lose();
    await settle();
    assert.equal(subchannel.connections.length, 2);
    connector.open[0]?.goaway();
    await settle();
    assert.equal(subchannel.connections.length, 2);
    close();
  });
});
